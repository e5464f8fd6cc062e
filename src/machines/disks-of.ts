import { diskName } from '../repository/layout.ts';
import type { VmConfig } from '../schemas/types.ts';
import { busOfController, type FoundBus } from './buses.ts';
import type { DiskPlace, MachineDisk } from './machine.ts';
import { mostDiskControllers, placeDisks } from './place-disks.ts';
import { shortText } from './short-text.ts';

/** A disk of a restore point. */
export interface PointDisk {
  readonly number: number;
  readonly uuid: string;
}

type SavedDisk = VmConfig['disks'][number];

interface Plugged extends PointDisk {
  /** Null: the saved configuration does not know it. */
  readonly saved: SavedDisk | null;
  readonly found: FoundBus;
  readonly place: DiskPlace | null;
}

/**
 * The disks in the VM's own order, each in a place of its own, and what is not as it was.
 * @param config null: nothing is known of the VM
 * @param efi whether UEFI starts the VM
 */
export function disksOf(
  config: VmConfig | null,
  disks: readonly PointDisk[],
  efi: boolean,
): { readonly disks: MachineDisk[]; readonly notes: string[] } {
  const plugged = inOwnOrder(config, disks).map((disk) => pluggedOf(config, disk, efi));
  const places = placeDisks(
    plugged.map(({ found, place }) => ({ bus: found.bus, place: found.because === null ? place : null })),
  );
  const order = bootOrder(config, plugged);
  return {
    disks: plugged.flatMap(({ number }, index) => {
      const given = places[index];
      return given ? [{ number, ...given, bootOrder: order.indexOf(number) + 1 }] : [];
    }),
    notes: config === null ? [] : plugged.flatMap(moved),
  };
}

/** As the saved configuration lists them; those that it does not know come last. */
function inOwnOrder(config: VmConfig | null, disks: readonly PointDisk[]): PointDisk[] {
  const at = new Map((config?.disks ?? []).map(({ uuid }, index) => [uuid, index]));
  const rankOf = ({ uuid }: PointDisk): number => at.get(uuid) ?? Infinity;
  return disks.toSorted((a, b) => (rankOf(a) === rankOf(b) ? a.number - b.number : rankOf(a) - rankOf(b)));
}

function pluggedOf(config: VmConfig | null, disk: PointDisk, efi: boolean): Plugged {
  const saved = config?.disks.find(({ uuid }) => uuid === disk.uuid) ?? null;
  const controller = config?.controllers.find(({ key }) => key === saved?.controller_key) ?? null;
  if (saved === null || controller === null)
    return { ...disk, saved, found: { bus: 'ahci', because: null }, place: null };
  const found = busOfController(controller.type, efi);
  return { ...disk, saved, found, place: placeOf(found, controller.bus, saved.unit) };
}

/** VMware's two IDE controllers are the two channels of one here. */
function placeOf({ bus }: FoundBus, controller: number | null, unit: number | null): DiskPlace | null {
  if (unit === null || controller === null || controller < 0 || controller >= mostDiskControllers) return null;
  return bus === 'ide' ? { controller: 0, unit: controller * 2 + (unit % 2) } : { controller, unit };
}

/** Numbers of the disks: first those that the VM was told to start from. */
function bootOrder(config: VmConfig | null, plugged: readonly Plugged[]): number[] {
  const told = (config?.boot.order ?? []).flatMap((device) => {
    const key = /^disk ([0-9]+)$/.exec(device)?.[1];
    return plugged.filter(({ saved }) => saved !== null && String(saved.key) === key);
  });
  const hdd = config?.extra_config.find(({ key }) => key === 'bios.hddOrder')?.value ?? '';
  const named = hdd
    .slice(0, 1000)
    .split(',')
    .flatMap((address) => plugged.filter(({ saved }) => saved?.address === address.trim()));
  return [...new Set([...told, ...named, ...plugged].map(({ number }) => number))];
}

function moved({ number, saved, found }: Plugged): string[] {
  const disk = diskName(number);
  if (saved === null) return [`${disk} is not in the saved configuration: it is on SATA`];
  if (found.because === null) return [];
  const why =
    found.because === 'not in qemu' ? 'QEMU has no such controller' : 'the firmware cannot read that controller';
  return [
    `${disk} was at ${shortText(saved.address)} and is on SATA, because ${why}; the guest needs a driver for AHCI`,
  ];
}
