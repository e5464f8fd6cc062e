import { isAlone, placesOn, type DiskBus } from '../host/images/guest-disks.ts';
import type { DiskPlace } from './machine.ts';

/** Where a disk wants to be; `place` null: anywhere. */
export interface WantedPlace {
  readonly bus: DiskBus;
  readonly place: DiskPlace | null;
}

/** VMware has four controllers of each kind at most. */
export const mostDiskControllers = 4;

/** Controllers of one family have one count. */
const familyOf = (bus: DiskBus): string => (bus === 'pvscsi' || bus === 'lsisas' ? 'scsi' : bus);

export interface GivenPlace {
  readonly bus: DiskBus;
  readonly place: DiskPlace;
}

/**
 * Gives each disk a place of its own: the one that it wants where the controller has it, else the next one that is free. Places that are
 * wanted are given first, so that a disk without one takes nobody's. A fifth IDE disk goes to SATA, as does a disk for which virtio has no place.
 */
export function placeDisks(wanted: readonly WantedPlace[]): GivenPlace[] {
  const taken = new Set<string>();
  const models = new Map<string, DiskBus>();
  const take = ({ bus, place }: GivenPlace): boolean => {
    const controller = `${familyOf(bus)}${place.controller}`;
    const key = `${controller}:${place.unit}`;
    if (taken.has(key) || (models.get(controller) ?? bus) !== bus) return false;
    taken.add(key);
    models.set(controller, bus);
    return true;
  };
  const given = wanted.map(({ bus, place }) =>
    place !== null && isOn(bus, place) && take({ bus, place }) ? { bus, place } : null,
  );
  return given.map((one, index) => one ?? nextFree(wanted[index]?.bus ?? 'ahci', take));
}

const controllersOf = (bus: DiskBus): number => (isAlone(bus) ? 1 : mostDiskControllers);

const isOn = (bus: DiskBus, { controller, unit }: DiskPlace): boolean =>
  Number.isInteger(controller) && controller >= 0 && controller < controllersOf(bus) && placesOn(bus).includes(unit);

function nextFree(bus: DiskBus, take: (given: GivenPlace) => boolean): GivenPlace {
  const most = isAlone(bus) ? controllersOf(bus) : Infinity;
  for (let controller = 0; controller < most; controller++)
    for (const unit of placesOn(bus)) {
      const given = { bus, place: { controller, unit } };
      if (take(given)) return given;
    }
  return nextFree('ahci', take);
}
