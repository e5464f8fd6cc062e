import type { ImageTarget } from './image-options.ts';

/** How a disk is plugged in, as the guest knows it. */
export type DiskBus = 'ide' | 'ahci' | 'pvscsi' | 'lsisas' | 'nvme' | 'virtio';

/** A disk as it is plugged in. */
export interface DiskDevice {
  readonly bus: DiskBus;
  /** Controller and unit there; without it, the next that is free. Give it to all disks of a machine, or to none. */
  readonly place?: { readonly controller: number; readonly unit: number };
  /** From 0: the firmware tries them in this order; without it, in the order of the list. */
  readonly bootIndex?: number;
}

export interface GuestDisk extends DiskDevice {
  readonly image: ImageTarget;
}

const count = (length: number): number[] => Array.from({ length }, (_, unit) => unit);

/** The units of one controller. Number 7 of paravirtual SCSI is the controller itself. Each disk on virtio takes a PCI slot of the machine, which has 29. */
const units: Readonly<Record<DiskBus, readonly number[]>> = {
  ide: count(4),
  ahci: count(6),
  pvscsi: count(64).filter((unit) => unit !== 7),
  lsisas: count(8),
  nvme: count(15),
  virtio: count(20),
};

/** The units that a controller of this kind has. */
export const placesOn = (bus: DiskBus): readonly number[] => units[bus];

/** Of which a machine has one only. */
export const isAlone = (bus: DiskBus): boolean => bus === 'ide' || bus === 'virtio';

/** The device of qemu; null: the machine has it by itself, or there is none. */
const controllers: Readonly<Record<DiskBus, ((id: string) => string) | null>> = {
  ide: null,
  ahci: (id) => `ich9-ahci,id=${id}`,
  pvscsi: (id) => `pvscsi,id=${id}`,
  lsisas: (id) => `mptsas1068,id=${id}`,
  nvme: (id) => `nvme,id=${id},serial=${id}`,
  virtio: null,
};

/** The address of the how many-th SAS disk: a world wide name, of the kind that is given out locally. */
export const wwnOf = (number: number): bigint => 0x3000000000000001n + BigInt(number);

/** A disk as the device of qemu: on which controller, on which unit there, the how many-th of all. */
const plugs: Readonly<Record<DiskBus, (id: string, unit: number, number: number) => string>> = {
  ide: (_id, unit) => `ide-hd,bus=ide.${Math.floor(unit / 2)},unit=${unit % 2}`,
  ahci: (id, unit) => `ide-hd,bus=${id}.${unit}`,
  pvscsi: (id, unit) => `scsi-hd,bus=${id}.0,scsi-id=${unit}`,
  // Linux passes over a SAS disk without an address.
  lsisas: (id, unit, number) => `scsi-hd,bus=${id}.0,scsi-id=${unit},wwn=${wwnOf(number)}`,
  nvme: (id, unit) => `nvme-ns,bus=${id},nsid=${unit + 1}`,
  virtio: () => 'virtio-blk-pci',
};

const drive = ({ image }: GuestDisk, number: number): string => {
  const file = image.name.replaceAll(',', ',,');
  const format = image.format.length > 0 ? ',format=qcow2' : '';
  return `file=${file},if=none,id=disk${number},cache=unsafe,discard=unmap${format}`;
};

/** Arguments of qemu-system-x86_64 for disks. The machine has its IDE controller by itself. */
export function diskArgs(disks: readonly GuestDisk[]): string[] {
  return disks.flatMap((disk, number) => ['-drive', drive(disk, number)]).concat(deviceArgs(disks));
}

/** Controllers and disks, without what is behind them: that is a block device `disk<n>` for the n-th. */
export function deviceArgs(disks: readonly DiskDevice[]): string[] {
  const args: string[] = [];
  const made = new Set<string>();
  const used = new Map<DiskBus, number>();
  for (const [number, { bus, place, bootIndex = number }] of disks.entries()) {
    const before = used.get(bus) ?? 0;
    used.set(bus, before + 1);
    const { controller, unit } = place ?? nextPlace(bus, before);
    const id = `${bus}${controller}`;
    const model = controllers[bus];
    if (model && !made.has(id)) args.push('-device', model(id));
    made.add(id);
    args.push('-device', `${plugs[bus](id, unit, number)},drive=disk${number},bootindex=${bootIndex}`);
  }
  return args;
}

function nextPlace(bus: DiskBus, before: number): { controller: number; unit: number } {
  const places = units[bus];
  return { controller: Math.floor(before / places.length), unit: places[before % places.length] ?? 0 };
}
