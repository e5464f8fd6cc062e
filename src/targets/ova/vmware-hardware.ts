import { SendenseError } from '../../errors/sendense-error.ts';
import type { VmConfig } from '../../schemas/types.ts';

/** Controllers by the names that OVF descriptors of VMware have for them. */
export type ControllerModel =
  | 'lsilogic'
  | 'lsilogicsas'
  | 'buslogic'
  | 'VirtualSCSI'
  | 'vmware.sata.ahci'
  | 'vmware.nvme.controller'
  | 'ide';

export interface Controller {
  readonly model: ControllerModel;
  /** Number of the bus: one count for all that are SCSI, and one for each other kind. */
  readonly bus: number;
  /** In the order of their units. */
  readonly disks: readonly { readonly disk: string; readonly unit: number }[];
}

type Family = 'scsi' | 'sata' | 'nvme' | 'ide';

const models: readonly (readonly [RegExp, ControllerModel])[] = [
  [/ParaVirtualSCSI/i, 'VirtualSCSI'],
  [/LsiLogicSAS/i, 'lsilogicsas'],
  [/LsiLogic/i, 'lsilogic'],
  [/BusLogic/i, 'buslogic'],
  [/AHCI|SATA/i, 'vmware.sata.ahci'],
  [/NVME/i, 'vmware.nvme.controller'],
  [/IDE/i, 'ide'],
];

const familyOf = (model: ControllerModel): Family =>
  model === 'vmware.sata.ahci'
    ? 'sata'
    : model === 'vmware.nvme.controller'
      ? 'nvme'
      : model === 'ide'
        ? 'ide'
        : 'scsi';

const count = (length: number): number[] => Array.from({ length }, (_, unit) => unit);

/** Buses of a family, and units of a bus. Source: VMware, "Configuration Maximums". Unit 7 is a SCSI controller itself. */
const bounds: Readonly<Record<Family, { readonly buses: number; readonly units: readonly number[] }>> = {
  scsi: { buses: 4, units: count(64).filter((unit) => unit !== 7) },
  sata: { buses: 4, units: count(30) },
  nvme: { buses: 4, units: count(64) },
  ide: { buses: 2, units: count(2) },
};

/** Only paravirtual SCSI has more units than these. */
const plainScsiUnits = 16;

/** What every guest has a driver for. */
const usual: ControllerModel = 'vmware.sata.ahci';

interface Place {
  readonly model: ControllerModel;
  readonly bus: number;
  readonly unit: number;
}

interface PointDisk {
  readonly disk: string;
  readonly uuid: string;
}

/**
 * Controllers with the disks on them, as the saved configuration has them. A disk that it does not know, or whose place no VM can have, is
 * put on the next free one.
 * @param notes gets what is not as it was
 */
export function controllersOf(config: VmConfig | null, disks: readonly PointDisk[], notes: string[]): Controller[] {
  const taken = new Map<string, string>();
  const buses = new Map<string, ControllerModel>();
  const take = ({ model, bus, unit }: Place): boolean => {
    const name = `${familyOf(model)}${bus}`;
    if (taken.has(`${name}:${unit}`) || (buses.get(name) ?? model) !== model || !isPlace(model, bus, unit))
      return false;
    taken.set(`${name}:${unit}`, model);
    buses.set(name, model);
    return true;
  };
  const given = disks.map((disk) => {
    const wanted = savedPlace(config, disk);
    return wanted !== null && take(wanted) ? wanted : null;
  });
  const places = given.map((place, index) => {
    if (place !== null) return place;
    if (config !== null) notes.push(`${disks[index]?.disk} has no place in the saved configuration: it is on SATA`);
    return nextFree(take);
  });
  return byController(
    disks.map(({ disk }) => disk),
    places,
  );
}

function savedPlace(config: VmConfig | null, { uuid }: PointDisk): Place | null {
  const saved = config?.disks.find((entry) => entry.uuid === uuid);
  const controller = config?.controllers.find(({ key }) => key === saved?.controller_key);
  const model = models.find(([pattern]) => pattern.test(controller?.type ?? ''))?.[1];
  const [bus, unit] = [controller?.bus ?? null, saved?.unit ?? null];
  return model === undefined || bus === null || unit === null ? null : { model, bus, unit };
}

function isPlace(model: ControllerModel, bus: number, unit: number): boolean {
  const { buses, units } = bounds[familyOf(model)];
  const isKnown = Number.isInteger(bus) && bus >= 0 && bus < buses && units.includes(unit);
  return isKnown && (familyOf(model) !== 'scsi' || model === 'VirtualSCSI' || unit < plainScsiUnits);
}

function nextFree(take: (place: Place) => boolean): Place {
  const { buses, units } = bounds[familyOf(usual)];
  for (let bus = 0; bus < buses; bus++)
    for (const unit of units) {
      const place = { model: usual, bus, unit };
      if (take(place)) return place;
    }
  throw new SendenseError('target.unfit', 'a VM of VMware cannot have so many disks', {
    remedy: 'Restore fewer disks (--disk), or all of them to a directory.',
  });
}

function byController(disks: readonly string[], places: readonly Place[]): Controller[] {
  const found = new Map<string, Place & { disks: { disk: string; unit: number }[] }>();
  for (const [index, place] of places.entries()) {
    const name = `${familyOf(place.model)}${place.bus}`;
    const controller = found.get(name) ?? { ...place, disks: [] };
    controller.disks.push({ disk: disks[index] ?? '', unit: place.unit });
    found.set(name, controller);
  }
  const order: readonly Family[] = ['ide', 'scsi', 'sata', 'nvme'];
  return [...found.values()]
    .map(({ model, bus, disks: on }) => ({ model, bus, disks: on.toSorted((a, b) => a.unit - b.unit) }))
    .toSorted((a, b) => order.indexOf(familyOf(a.model)) - order.indexOf(familyOf(b.model)) || a.bus - b.bus);
}
