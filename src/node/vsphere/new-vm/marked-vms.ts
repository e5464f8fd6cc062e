import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Vsphere } from '../vsphere.ts';
import { optionalMoref, optionalText, type Moref } from '../xml.ts';
import { lookAtMarked, type MarkedVm } from './marked-vm.ts';
import { readRestoreMark } from './restore-mark.ts';

/**
 * The VM that a run has made and not finished; null: there is none.
 * @throws SendenseError `vsphere.busy` where there are several: somebody has copied it, and a copy is not ours
 */
export async function markedVm(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<MarkedVm | null> {
  const paths = ['name', 'config.annotation'];
  const all = (await vsphere.all('VirtualMachine', paths, signal ? { signal } : {})).filter(
    ({ values }) => readRestoreMark(optionalText(values.get('config.annotation')) ?? '')?.run === run,
  );
  const nameOf = ({ object, values }: (typeof all)[number]): string =>
    `${optionalText(values.get('name')) ?? ''} (${object.value})`;
  if (all.length > 1)
    throw new SendenseError(
      'vsphere.busy',
      `${all.length} VMs bear the mark of one restore: ${all.map(nameOf).join(', ')}`,
      { remedy: 'Somebody has cloned the VM. Change the first line of the notes of the copies, then try again.' },
    );
  const [only] = all;
  return only ? lookAtMarked(vsphere, only.object, signal) : null;
}

/** How long a VM is waited for whose creation nobody answered, ms each time. */
const pauses = [0, 500, 1000, 2000, 4000, 8000];

/** The VM of a run that may be made just now. @returns null: it did not come */
export async function awaitMarked(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<MarkedVm | null> {
  for (const pause of pauses) {
    await delay(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
    const found = await markedVm(vsphere, run, signal);
    if (found) return found;
  }
  return null;
}

/** What a restore that was not finished has left under a name. @returns null: there is nothing of this name, or it is no unfinished VM */
export async function unfinishedNamed(
  vsphere: Vsphere,
  folder: Moref,
  name: string,
  signal?: AbortSignal,
): Promise<MarkedVm | null> {
  const object = await childNamed(vsphere, folder, name, signal);
  return object?.type === 'VirtualMachine' ? lookAtMarked(vsphere, object, signal) : null;
}

/** What has that name in a folder of VMs. */
export async function childNamed(
  vsphere: Vsphere,
  folder: Moref,
  name: string,
  signal?: AbortSignal,
): Promise<Moref | undefined> {
  const { searchIndex } = vsphere.content;
  if (!searchIndex) return undefined;
  const args = [
    ['entity', folder],
    ['name', name],
  ] as const;
  return optionalMoref(await vsphere.call('FindChild', searchIndex, args, signal ? { signal } : {}));
}
