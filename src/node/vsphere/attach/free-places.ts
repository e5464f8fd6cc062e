import { list, optionalText, plainInteger, xsiType, type XmlValue } from '../xml.ts';

/** Where a disk can be attached to a VM that runs. */
export interface FreePlace {
  readonly controllerKey: number;
  /** As vSphere calls the controller. */
  readonly controller: string;
  readonly unit: number;
}

interface Kind {
  readonly type: RegExp;
  /** Units of such a controller. */
  readonly units: number;
  /** Of more than that a newer one has; the VM shows it by using them. */
  readonly most?: number;
}

/** Controllers that take disks while the VM runs; IDE does not. The first kind is asked first. */
const kinds: readonly Kind[] = [
  { type: /^ParaVirtualSCSIController$/, units: 16, most: 64 },
  { type: /^Virtual(LsiLogic|LsiLogicSAS|BusLogic)Controller$/, units: 16 },
  { type: /^VirtualNVMEController$/, units: 15 },
  { type: /^VirtualAHCIController$/, units: 30 },
];

/** The unit that a SCSI controller has itself. */
const ownUnit = 7;

/**
 * Free units of a VM's controllers, best first. A unit behind all that are used comes before one between them: firmware without a boot
 * order starts the first disk, and guests count their disks in this order.
 */
export function freePlaces(devices: readonly XmlValue[]): FreePlace[] {
  const found: FreePlace[] = [];
  const between: FreePlace[] = [];
  for (const kind of kinds)
    for (const device of devices.filter((one) => kind.type.test(xsiType(one) ?? ''))) {
      if (!['noSharing', undefined].includes(optionalText(device, 'sharedBus'))) continue;
      const { used, own, units } = unitsOf(device, kind, devices);
      const highest = Math.max(-1, ...used);
      const place = (unit: number): FreePlace => ({
        controllerKey: plainInteger(device, 'key'),
        controller: optionalText(device, 'deviceInfo.label') ?? xsiType(device) ?? 'a controller',
        unit,
      });
      for (let unit = 0; unit < units; unit++)
        if (!used.has(unit) && unit !== own) (unit > highest ? found : between).push(place(unit));
    }
  return [...found, ...between];
}

function unitsOf(
  controller: XmlValue,
  { type, units, most = units }: Kind,
  devices: readonly XmlValue[],
): { readonly used: ReadonlySet<number>; readonly own: number | null; readonly units: number } {
  const key = optionalText(controller, 'key');
  const used = new Set(
    devices
      .filter((one) => optionalText(one, 'controllerKey') === key && optionalText(one, 'unitNumber') !== undefined)
      .map((one) => plainInteger(one, 'unitNumber')),
  );
  const isScsi = /SCSI|LsiLogic/.test(type.source);
  return {
    used,
    own: isScsi ? Number(optionalText(controller, 'scsiCtlrUnitNumber') ?? ownUnit) : null,
    units: [...used].some((unit) => unit >= units) ? most : units,
  };
}

/** The devices of a VM's `config.hardware`. */
export const devicesIn = (hardware: XmlValue | undefined): readonly XmlValue[] => list(hardware, 'device');
