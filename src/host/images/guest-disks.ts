import type { ImageTarget } from './image-options.ts';

/** How a disk is plugged in, as the guest knows it. */
export type DiskBus = 'ide' | 'ahci' | 'pvscsi' | 'lsisas' | 'nvme';

export interface GuestDisk {
  readonly image: ImageTarget;
  readonly bus: DiskBus;
}

/** How many disks a controller takes. */
const places: Readonly<Record<DiskBus, number>> = { ide: 4, ahci: 6, pvscsi: 63, lsisas: 8, nvme: 1 };

const controllers: Readonly<Partial<Record<DiskBus, string>>> = {
  ahci: 'ich9-ahci',
  pvscsi: 'pvscsi',
  lsisas: 'mptsas1068',
};

/** A disk as the device of qemu: on which controller, on which place there, the how many-th of all. */
const plugs: Readonly<Record<DiskBus, (id: string, place: number, number: number) => string>> = {
  ide: (_id, place) => `ide-hd,bus=ide.${Math.floor(place / 2)},unit=${place % 2}`,
  ahci: (id, place) => `ide-hd,bus=${id}.${place}`,
  // The controller itself is number 7.
  pvscsi: (id, place) => `scsi-hd,bus=${id}.0,scsi-id=${place < 7 ? place : place + 1}`,
  // Linux passes over a SAS disk without an address (a world wide name, of the kind that is given out locally).
  lsisas: (id, place, number) => `scsi-hd,bus=${id}.0,scsi-id=${place},wwn=${0x3000000000000001n + BigInt(number)}`,
  nvme: (_id, _place, number) => `nvme,serial=disk${number}`,
};

const drive = ({ image }: GuestDisk, number: number): string => {
  const file = image.name.replaceAll(',', ',,');
  const format = image.format.length > 0 ? ',format=qcow2' : '';
  return `file=${file},if=none,id=disk${number},cache=unsafe,discard=unmap${format}`;
};

/**
 * Arguments of qemu-system-x86_64 for disks, each on the next free place of its kind of controller. The machine has its IDE controller by
 * itself.
 */
export function diskArgs(disks: readonly GuestDisk[]): string[] {
  const args: string[] = [];
  const used = new Map<DiskBus, number>();
  for (const [number, disk] of disks.entries()) {
    const { bus } = disk;
    args.push('-drive', drive(disk, number));
    const before = used.get(bus) ?? 0;
    used.set(bus, before + 1);
    const place = before % places[bus];
    const id = `${bus}${Math.floor(before / places[bus])}`;
    const model = controllers[bus];
    if (place === 0 && model) args.push('-device', `${model},id=${id}`);
    args.push('-device', `${plugs[bus](id, place, number)},drive=disk${number},bootindex=${number}`);
  }
  return args;
}
