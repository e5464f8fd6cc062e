import { SendenseError } from '../../../errors/sendense-error.ts';
import type { ObjectProperties, Vsphere } from '../vsphere.ts';
import { chainsOf, type ChainFile } from '../disk-chain.ts';
import { list } from '../xml.ts';
import type { SeenVm } from './marked-vm.ts';

/**
 * The disks of other VMs that somebody has attached meanwhile are not ours to write to, and vSphere deletes all disks with a VM.
 * @throws SendenseError `vsphere.busy`
 */
export async function assertOwnDisks(
  vsphere: Vsphere,
  { object, name }: Pick<SeenVm, 'object' | 'name'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const all = await vsphere.all('VirtualMachine', ['config.hardware.device'], signal ? { signal } : {});
  const others = new Map<string, ChainFile[]>();
  for (const file of all.filter((one) => one.object.value !== object.value).flatMap(filesOf))
    others.set(file.path, [...(others.get(file.path) ?? []), file]);
  const shared = all
    .filter((one) => one.object.value === object.value)
    .flatMap((own) => filesOf(own).filter((file) => others.get(file.path)?.some((other) => isSame(file, other))))
    .map(({ path }) => path);
  if (shared.length > 0)
    throw new SendenseError(
      'vsphere.busy',
      `the VM ${name} (${object.value}) of an unfinished restore has disks of other VMs, so it stays: ${shared.join(', ')}`,
      {
        remedy: 'Detach them in vSphere, then run `sendense-run recover`.',
      },
    );
}

const filesOf = ({ values }: ObjectProperties): ChainFile[] =>
  chainsOf(list(values.get('config.hardware.device'), 'VirtualDevice'));

const isSame = (one: ChainFile, other: ChainFile): boolean =>
  one.path === other.path && (one.datastore === null || other.datastore === null || one.datastore === other.datastore);
