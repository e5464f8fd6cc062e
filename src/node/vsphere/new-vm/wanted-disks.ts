import type { VmConfig } from '../../../schemas/types.ts';
import { isIde, isWhole, labelOf, quoted, unfit } from './judge.ts';

export interface WantedController {
  /** In the saved configuration. */
  readonly key: number;
  readonly type: string;
  readonly family: Family['name'];
  readonly bus: number;
}

export interface WantedDisk {
  /** In the saved configuration, also that of the restore point's disk. */
  readonly key: number;
  readonly label: string;
  readonly controllerKey: number;
  readonly unit: number;
  readonly bytes: number;
  readonly thin: boolean;
}

interface Family {
  readonly name: 'scsi' | 'sata' | 'nvme' | 'usb';
  readonly types: readonly string[];
  readonly buses: number;
}

/** Controllers that a client may ask for. IDE and PCI controllers every VM has. */
const families: readonly Family[] = [
  {
    name: 'scsi',
    types: [
      'ParaVirtualSCSIController',
      'VirtualLsiLogicController',
      'VirtualLsiLogicSASController',
      'VirtualBusLogicController',
    ],
    buses: 4,
  },
  { name: 'sata', types: ['VirtualAHCIController'], buses: 4 },
  { name: 'nvme', types: ['VirtualNVMEController'], buses: 4 },
  { name: 'usb', types: ['VirtualUSBController', 'VirtualUSBXHCIController'], buses: 1 },
];
const builtIn = /^Virtual(IDE|PCI|PS2|SIO)Controller$/;

/** In the order of the configuration: guests count their disks in it. */
export function wantedControllers(config: VmConfig, leftOut: string[]): WantedController[] {
  const wanted: WantedController[] = [];
  for (const { key, type, label, bus, sharing } of config.controllers) {
    if (builtIn.test(type)) continue;
    const family = families.find(({ types }) => types.includes(type));
    if (!family) {
      leftOut.push(`the controller ${quoted(label)} (${quoted(type)})`);
      continue;
    }
    const at = bus ?? 0;
    const isTaken = wanted.some((one) => one.family === family.name && one.bus === at && one.type === type);
    if (!isWhole(at, 0, family.buses - 1) || isTaken || wanted.some((one) => one.key === key))
      throw unfit(`the controller ${quoted(label)} has no place of its own (${type}, bus ${at}, key ${key})`);
    if (sharing !== null && sharing !== 'noSharing') leftOut.push(`sharing of the controller ${quoted(label)}`);
    wanted.push({ key, type, family: family.name, bus: at });
  }
  return wanted;
}

/** Units of each kind of controller; a SCSI controller has unit 7 itself. */
const units = { scsi: 16, pvscsi: 64, sata: 30, nvme: 15, ide: 2 } as const;

export function wantedDisks(
  config: VmConfig,
  sizes: ReadonlyMap<number, number>,
  controllers: readonly WantedController[],
): WantedDisk[] {
  const wanted: WantedDisk[] = [];
  for (const [key, bytes] of sizes) {
    const disk = config.disks.find((one) => one.key === key);
    if (!disk) throw unfit(`it does not know the disk ${key} of the restore point`);
    const { label, controller_key: controllerKey, unit, thin } = disk;
    const kind = kindOf(controllers, controllerKey);
    if (kind === null)
      throw unfit(`the disk ${quoted(label)} hangs on a controller ${controllerKey} that is not there`);
    const isReserved = (kind === 'scsi' || kind === 'pvscsi') && unit === 7;
    if (unit === null || !isWhole(unit, 0, units[kind] - 1) || isReserved)
      throw unfit(`the disk ${quoted(label)} has no unit that there is (${kind}, unit ${unit ?? 'none'})`);
    const place = wanted.find((one) => one.controllerKey === controllerKey && one.unit === unit);
    if (place) throw unfit(`the disks ${quoted(place.label)} and ${quoted(label)} have one place`);
    if (!isWhole(bytes, 1, Number.MAX_SAFE_INTEGER) || bytes % 1024 !== 0)
      throw unfit(`the disk ${quoted(label)} has ${bytes} bytes; vSphere takes whole KiB`);
    wanted.push({ key, label: labelOf(label), controllerKey, unit, bytes, thin: thin !== false });
  }
  if (wanted.length === 0) throw unfit('the restore point has no disk');
  const position = new Map(config.disks.map((disk, at) => [disk.key, at]));
  return wanted.toSorted((a, b) => (position.get(a.key) ?? 0) - (position.get(b.key) ?? 0));
}

function kindOf(controllers: readonly WantedController[], key: number): keyof typeof units | null {
  const found = controllers.find((one) => one.key === key);
  if (!found) return isIde(key) ? 'ide' : null;
  if (found.type === 'ParaVirtualSCSIController') return 'pvscsi';
  return found.family === 'usb' ? null : found.family;
}
