import { SendenseError } from '../../errors/sendense-error.ts';
import type { DomainDevices, DomainLook } from '../../host/libvirt/domain-devices.ts';
import { deviceName } from '../kvm/domain-xml.ts';

/** Where a disk goes in a domain. */
export interface DiskPlace {
  readonly bus: string;
  /** sdb, vdc. */
  readonly name: string;
}

const letters: Readonly<Record<string, string>> = { scsi: 'sd', sata: 'sd', usb: 'sd', virtio: 'vd', ide: 'hd' };
const ideDisks = 4;

/**
 * Free places for so many disks, behind all others, so that the guest still starts from its own disk. The bus is one that the guest knows,
 * and that takes disks while it runs if it does.
 * @throws SendenseError `target.unfit`
 */
export function freePlaces({ name, live, config }: DomainLook, count: number): DiskPlace[] {
  const looks = [live, config].filter((one) => one !== null);
  const bus = live === null ? busOfOne(config) : busWhileOn(name, live, count);
  const letter = letters[bus] ?? 'sd';
  const taken = looks.flatMap(({ disks }) => disks.map((disk) => numberOf(disk.name, letter)));
  const first = Math.max(-1, ...taken) + 1;
  if (bus === 'ide' && first + count > ideDisks)
    throw new SendenseError('target.unfit', `the IDE controller of the VM ${name} has no free place`, {
      remedy: 'Add a SCSI controller to the VM (model virtio-scsi), if its guest has the driver, or take a disk off.',
    });
  return Array.from({ length: count }, (_, nth) => ({ bus, name: deviceName(letter, first + nth) }));
}

function busWhileOn(name: string, { disks, hasScsi, freePorts }: DomainDevices, count: number): string {
  if (hasScsi) return 'scsi';
  if (!disks.some(({ bus }) => bus === 'virtio'))
    throw new SendenseError(
      'target.unfit',
      `the VM ${name} runs, and has no controller that takes a disk meanwhile: neither SCSI nor virtio`,
      { remedy: 'Switch the VM off and attach the disk then, or attach it to another VM.' },
    );
  if (freePorts !== null && freePorts < count)
    throw new SendenseError('target.unfit', `the VM ${name} has no free PCI port that takes a disk while it runs`, {
      remedy:
        'Switch the VM off and attach the disk then. For the next time, add controllers of the model pcie-root-port (machine q35) or the feature acpi (machine pc) to it (`virsh edit`).',
    });
  return 'virtio';
}

/** That of its own first disk: its guest has the driver. */
const busOfOne = (config: DomainDevices | null): string =>
  config?.disks.find(({ device, bus }) => device === 'disk' && Object.hasOwn(letters, bus))?.bus ?? 'sata';

/** sda: 0, sdaa: 26; -1: it is of another kind. */
export function numberOf(name: string, letter: string): number {
  const [, rest] = new RegExp(`^${letter}([a-z]{1,3})$`).exec(name) ?? [];
  if (rest === undefined) return -1;
  return [...rest].reduce((sum, one) => sum * 26 + (one.codePointAt(0) ?? 0) - 96, 0) - 1;
}
