import { SendenseError } from '../../../errors/sendense-error.ts';
import { disksOf } from '../vm-disks.ts';
import type { ObjectProperties, Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref } from '../xml.ts';
import { readRestoreMark } from './restore-mark.ts';

export interface MarkedVm {
  readonly object: Moref;
  readonly name: string;
  readonly isOn: boolean;
  /** Restore point. */
  readonly point: string;
}

/**
 * The VM that a run has made and not finished; null: there is none.
 * @throws SendenseError `vsphere.busy` where there are several: somebody has copied it, and a copy is not ours
 */
export async function markedVm(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<MarkedVm | null> {
  const all = await markedVms(vsphere, run, signal);
  if (all.length > 1)
    throw new SendenseError(
      'vsphere.busy',
      `${all.length} VMs bear the mark of one restore: ${all.map(({ name, object }) => `${name} (${object.value})`).join(', ')}`,
      { remedy: 'Somebody has cloned the VM. Change the first line of the notes of the copies, then try again.' },
    );
  return all[0] ?? null;
}

async function markedVms(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<MarkedVm[]> {
  const paths = ['name', 'config.annotation', 'runtime.powerState'];
  const all = await vsphere.all('VirtualMachine', paths, signal ? { signal } : {});
  return all.flatMap(({ object, values }) => {
    const mark = readRestoreMark(optionalText(values.get('config.annotation')) ?? '');
    if (mark?.run !== run) return [];
    const name = optionalText(values.get('name')) ?? object.value;
    const isOn = optionalText(values.get('runtime.powerState')) !== 'poweredOff';
    return [{ object, name, isOn, point: mark.point }];
  });
}

/**
 * Removes the VM that a run has made and not finished, with its disks. "Nothing there" is success. What somebody has started, or
 * whose mark somebody has removed, is theirs.
 * @returns its name; null: there is none
 * @throws SendenseError `vsphere.*`, `vsphere.busy` with what stays, and why
 */
export async function removeUnfinished(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<string | null> {
  const found = await markedVm(vsphere, run, signal);
  if (found === null) return null;
  const { object, name, isOn } = found;
  if (isOn)
    throw new SendenseError(
      'vsphere.busy',
      `the VM ${name} (${object.value}) of an unfinished restore runs, so it stays`,
      {
        remedy: 'Stop it, and delete it in vSphere if nobody needs it.',
      },
    );
  await assertOwnDisks(vsphere, found, signal);
  await vsphere.task('Destroy_Task', object, [], signal ? { signal } : {});
  return name;
}

/**
 * The disks of other VMs that somebody has attached meanwhile are not ours to write to, and vSphere deletes all disks with a VM.
 * @throws SendenseError `vsphere.busy`
 */
export async function assertOwnDisks(
  vsphere: Vsphere,
  { object, name }: Pick<MarkedVm, 'object' | 'name'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const all = await vsphere.all('VirtualMachine', ['config.hardware.device'], signal ? { signal } : {});
  const filesOf = ({ values }: ObjectProperties): string[] =>
    disksOf(list(values.get('config.hardware.device'), 'VirtualDevice')).map(({ file }) => file);
  const others = new Set(all.filter((one) => one.object.value !== object.value).flatMap(filesOf));
  const shared = all
    .filter((one) => one.object.value === object.value)
    .flatMap((own) => filesOf(own).filter((file) => others.has(file)));
  if (shared.length > 0)
    throw new SendenseError(
      'vsphere.busy',
      `the VM ${name} (${object.value}) of an unfinished restore has disks of other VMs, so it stays: ${shared.join(', ')}`,
      {
        remedy: 'Detach them in vSphere, then run `sendense-run recover`.',
      },
    );
}
