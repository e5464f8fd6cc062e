import { SendenseError } from '../../../errors/sendense-error.ts';
import { disksOf } from '../vm-disks.ts';
import type { ObjectProperties, Vsphere } from '../vsphere.ts';
import { list, optionalText, type Moref } from '../xml.ts';
import { readRestoreMark } from './restore-mark.ts';

interface MarkedVm {
  readonly object: Moref;
  readonly name: string;
  readonly isOn: boolean;
}

/** The VMs that a run has made and not finished. */
export async function markedVms(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<MarkedVm[]> {
  const paths = ['name', 'config.annotation', 'runtime.powerState'];
  const all = await vsphere.all('VirtualMachine', paths, signal ? { signal } : {});
  return all
    .filter(({ values }) => readRestoreMark(optionalText(values.get('config.annotation')) ?? '')?.run === run)
    .map(({ object, values }) => ({
      object,
      name: optionalText(values.get('name')) ?? object.value,
      isOn: optionalText(values.get('runtime.powerState')) !== 'poweredOff',
    }));
}

/**
 * Removes the VMs that a run has made and not finished, with their disks. "Nothing there" is success. What somebody has started, or
 * whose mark somebody has removed, is theirs.
 * @returns names of those removed
 * @throws SendenseError `vsphere.*`, `vsphere.busy` with what stays because it is on
 */
export async function removeUnfinished(vsphere: Vsphere, run: string, signal?: AbortSignal): Promise<string[]> {
  const removed: string[] = [];
  for (const { object, name, isOn } of await markedVms(vsphere, run, signal)) {
    if (isOn)
      throw new SendenseError(
        'vsphere.busy',
        `the VM ${name} (${object.value}) of an unfinished restore runs, so it stays`,
        {
          remedy: 'Stop it, and delete it in vSphere if nobody needs it.',
        },
      );
    await assertOwnDisks(vsphere, { object, name }, signal);
    await vsphere.task('Destroy_Task', object, [], signal ? { signal } : {});
    removed.push(name);
  }
  return removed;
}

/** vSphere deletes all disks that a VM has, also those of other VMs that somebody has attached to it meanwhile. */
async function assertOwnDisks(
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
