import type { DiskBus } from '../host/images/guest-disks.ts';

const buses: readonly (readonly [RegExp, DiskBus])[] = [
  [/ParaVirtualSCSI/i, 'pvscsi'],
  [/LsiLogicSAS/i, 'lsisas'],
  [/NVME/i, 'nvme'],
  [/IDEController/i, 'ide'],
  [/AHCI|SATA/i, 'ahci'],
];

/** What OVMF has no driver for, as Debian builds it: it would find nothing to start. */
const unknownToOvmf: ReadonlySet<DiskBus> = new Set(['pvscsi', 'lsisas']);

/** What stands in the place of a controller that qemu has not, or that the firmware cannot read: SATA, which every system knows. */
const known: DiskBus = 'ahci';

/** How a disk was plugged in, and how it is here. */
export interface FoundBus {
  readonly bus: DiskBus;
  /** Why it is on another one than it was; null: it is not. */
  readonly because: 'not in qemu' | 'not in the firmware' | null;
}

/**
 * The controller that the VM had its disk on, where qemu has it too and the firmware can read it; else SATA. LSI Logic's parallel chip,
 * 53c1030, is not in qemu: its 53c895a has another driver.
 * @param type of the controller, such as `ParaVirtualSCSIController`
 * @param efi whether UEFI starts the VM
 */
export function busOfController(type: string, efi: boolean): FoundBus {
  const bus = buses.find(([pattern]) => pattern.test(type))?.[1];
  if (bus === undefined) return { bus: known, because: 'not in qemu' };
  return efi && unknownToOvmf.has(bus) ? { bus: known, because: 'not in the firmware' } : { bus, because: null };
}
