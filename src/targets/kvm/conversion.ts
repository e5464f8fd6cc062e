import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { hasVirtioWin, requireVirtV2v, usualVirtioWin } from '../../host/images/virt-v2v.ts';
import type { Conversion, StartCheck } from '../../schemas/types.ts';
import type { ToOf } from '../target-kind.ts';
import type { PlannedVm } from './plan-vm.ts';

type To = ToOf<'kvm'>;

/** What the plan says of the conversion, with all that it need not say; null: none is wanted. */
export interface WantedConversion {
  /** As the plan names it; null: the usual place. */
  readonly virtioWin: string | null;
  readonly timeout: string;
  readonly accel: Conversion['accel'];
  readonly check: StartCheck;
}

const usualCheck: StartCheck = { agent: false, timeout: '10m' };
const usual: Conversion = { to: 'virtio', timeout: '2h', accel: 'auto' };

export function conversionOf({ convert, start }: Pick<To, 'convert' | 'start'>): WantedConversion | null {
  if (convert === undefined) return null;
  const said = typeof convert === 'object' ? convert : usual;
  return {
    virtioWin: said.virtioWin ?? null,
    timeout: said.timeout,
    accel: said.accel,
    check: said.boot ?? (typeof start === 'object' ? start : usualCheck),
  };
}

/** Absolute; null: the usual place. */
export const virtioWinOf = ({ virtioWin }: WantedConversion, planFolder: string): string | null =>
  virtioWin === null ? null : resolve(planFolder, virtioWin);

/** Disks and network cards on virtio each take a place on the PCI bus, which has 29 beside those of the machine. */
const mostDevices = 24;

/**
 * Before anything is written.
 * @throws SendenseError `tool.missing`, `target.unfit`
 */
export async function assertConvertible(to: To, vm: PlannedVm, planFolder: string): Promise<void> {
  const wanted = conversionOf(to);
  if (wanted === null) return;
  await requireVirtV2v();
  const { machine, cards } = vm;
  const devices = machine.disks.length + cards.length;
  if (devices > mostDevices || machine.disks.length > 20)
    throw new SendenseError(
      'target.unfit',
      `the VM has ${machine.disks.length} disks and ${cards.length} network cards; on virtio there is room for 20 disks, and for ${mostDevices} of both`,
      { remedy: 'Restore without `convert` (--convert), or fewer disks (--disk).' },
    );
  const virtioWin = virtioWinOf(wanted, planFolder);
  if ((virtioWin === null && !vm.isWindows) || (await hasVirtioWin(virtioWin))) return;
  throw new SendenseError(
    'target.unfit',
    virtioWin === null
      ? `the guest is Windows, for which virt-v2v needs the drivers of virtio-win; they are not in ${usualVirtioWin}`
      : `the drivers for Windows are not there: ${virtioWin}`,
    {
      remedy:
        'Download virtio-win.iso of the Fedora project, and name it: `convert: { to: virtio, virtioWin: FILE }` (--virtio-win FILE). Or restore without `convert`.',
    },
  );
}
