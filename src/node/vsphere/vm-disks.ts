import { SendenseError } from '../../errors/sendense-error.ts';
import type { VsphereDisk } from '../../schemas/types.ts';
import { attachMarksOf, type KeptMark } from './attach/attach-mark.ts';
import { at, flag, integer, plainInteger, list, optionalText, text, xsiType, type XmlValue } from './xml.ts';

/** The disks of a VM's or a snapshot's `config`, in the order of the hypervisor; keys as it says them, never computed. */
export const vmDisks = (config: XmlValue | undefined): VsphereDisk[] =>
  toldAsAttached(disksOf(list(config, 'hardware.device')), attachMarksOf(list(config, 'extraConfig')));

/** Of a disk that a restore has attached, that is the reason why backups leave it out. */
export const toldAsAttached = (disks: readonly VsphereDisk[], marks: readonly KeptMark[]): VsphereDisk[] =>
  disks.map((disk) => {
    const found = marks.find(({ id }) => id === disk.uuid);
    return disk.protected || !found
      ? disk
      : {
          ...disk,
          not_protected_reason: `Sendense attached it from ${found.mark?.point ?? 'a restore point'}; \`sendense-run detach\` removes it`,
        };
  });

export function disksOf(devices: readonly XmlValue[]): VsphereDisk[] {
  const controllers = new Map(devices.map((device) => [optionalText(device, 'key'), device]));
  return devices
    .filter((device) => xsiType(device) === 'VirtualDisk')
    .map((device) => diskOf(device, controllers.get(optionalText(device, 'controllerKey'))));
}

function diskOf(device: XmlValue, controller: XmlValue | undefined): VsphereDisk {
  const backing = at(device, 'backing');
  const kind = backingKind(backing);
  const mode = optionalText(backing, 'diskMode') ?? 'persistent';
  const file = optionalText(backing, 'fileName') ?? '';
  const unit = optionalText(device, 'unitNumber');
  const reason = notProtectedReason(kind, mode);
  return {
    key: plainInteger(device, 'key'),
    label: optionalText(device, 'deviceInfo.label') ?? `disk ${text(device, 'key')}`,
    address: `${busOf(controller)}${optionalText(controller, 'busNumber') ?? '?'}:${unit ?? '?'}`,
    controller_key: at(device, 'controllerKey') ? plainInteger(device, 'controllerKey') : -1,
    controller_type: xsiType(controller) ?? 'unknown',
    unit: unit === undefined ? null : plainInteger(device, 'unitNumber'),
    uuid: optionalText(backing, 'uuid') || null,
    capacity_bytes: capacityOf(device),
    mode,
    backing: kind,
    thin: at(backing, 'thinProvisioned') ? flag(backing, 'thinProvisioned') : null,
    datastore: /^\[([^\]]+)\]/.exec(file)?.[1] ?? null,
    file,
    has_parent: at(backing, 'parent') !== undefined,
    ...(at(backing, 'keyId') ? { encrypted: true } : {}),
    sharing: sharingOf(backing),
    change_id: optionalText(backing, 'changeId') || null,
    protected: reason === null,
    not_protected_reason: reason,
  };
}

/** A disk that is larger than a number of JSON can say is told as that large: it is found too large (`vm-findings.ts`), and other VMs are listed. */
function capacityOf(device: XmlValue): number {
  const bytes = at(device, 'capacityInBytes')
    ? Number(integer(device, 'capacityInBytes'))
    : Number(integer(device, 'capacityInKB')) * 1024;
  if (bytes >= 0) return Math.min(bytes, Number.MAX_SAFE_INTEGER);
  throw new SendenseError('vsphere.protocol', `${bytes} bytes is no size of a disk`);
}

function backingKind(backing: XmlValue | undefined): string {
  const type = xsiType(backing) ?? '';
  if (type === 'VirtualDiskRawDiskMappingVer1BackingInfo')
    return optionalText(backing, 'compatibilityMode') === 'virtualMode' ? 'rdm-virtual' : 'rdm-physical';
  return kinds.get(type) ?? 'other';
}

const kinds: ReadonlyMap<string, string> = new Map([
  ['VirtualDiskFlatVer2BackingInfo', 'flat'],
  ['VirtualDiskSeSparseBackingInfo', 'sesparse'],
  ['VirtualDiskSparseVer2BackingInfo', 'sparse'],
  ['VirtualDiskLocalPMemBackingInfo', 'pmem'],
]);

function notProtectedReason(kind: string, mode: string): string | null {
  if (mode.startsWith('independent'))
    return `the disk is ${mode.replace('_', ' ')}, and independent disks take no part in snapshots`;
  if (kind === 'rdm-physical') return 'the disk is an RDM in physical mode, which takes no part in snapshots';
  if (kind === 'pmem') return 'the disk is on persistent memory, which takes no part in snapshots';
  return kind === 'other' ? 'the disk has a backing of a kind that cannot be read' : null;
}

const sharingOf = (backing: XmlValue | undefined): string | null => {
  const sharing = optionalText(backing, 'sharing');
  return sharing === undefined || sharing === 'sharingNone' ? null : sharing;
};

function busOf(controller: XmlValue | undefined): string {
  const type = xsiType(controller) ?? '';
  if (/NVME/i.test(type)) return 'nvme';
  if (/AHCI|SATA/i.test(type)) return 'sata';
  if (/IDE/.test(type)) return 'ide';
  return /SCSI|LsiLogic|BusLogic/i.test(type) ? 'scsi' : 'controller';
}
