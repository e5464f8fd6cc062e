import type { VsphereSnapshot, VsphereVm } from '../../schemas/types.ts';
import type { Reverts } from './last-revert.ts';
import type { ObjectProperties } from './vsphere.ts';
import { attachMarksIn } from './attach/attach-mark.ts';
import { inPlaceMarkIn, inPlaceNoteIn } from './in-place/in-place-mark.ts';
import { readMark } from './snapshot-mark.ts';
import { vmFindings } from './vm-findings.ts';
import { disksOf, toldAsAttached } from './vm-disks.ts';
import { flag, list, optionalMoref, optionalText, text, xsiType, type XmlValue } from './xml.ts';

/** What is asked of a VM, for one or for all. */
export const vmPaths = [
  'name',
  'runtime.powerState',
  'runtime.connectionState',
  'runtime.host',
  'runtime.consolidationNeeded',
  'runtime.faultToleranceState',
  'config.instanceUuid',
  'config.uuid',
  'config.template',
  'config.version',
  'config.guestFullName',
  'config.changeTrackingEnabled',
  'config.keyId',
  'config.hardware.device',
  'capability.changeTrackingSupported',
  'guest.toolsRunningStatus',
  'guest.toolsStatus',
  'snapshot',
] as const;

/** Where the VM is; found out elsewhere. */
export interface VmPlace {
  readonly path: string;
  readonly host: string | null;
  readonly datacenter: string | null;
  /** Null: not asked for. */
  readonly reverts: Reverts | null;
  /** VMFS, NFS, vsan, …, by the name of the datastore; one that is not known is not there. */
  readonly datastoreTypes: ReadonlyMap<string, string>;
}

/** A VM from its properties; sizes in bytes, times in the node's clock. */
export function vmFrom({ object, values }: ObjectProperties, place: VmPlace, clockOffset: number): VsphereVm {
  const of = (path: (typeof vmPaths)[number]): string | null => optionalText(values.get(path)) || null;
  const version = of('config.version');
  const devices = values.get('config.hardware.device')?.children ?? [];
  const mark = inPlaceMarkIn(values.get('config.extraConfig'));
  const note = inPlaceNoteIn(values.get('config.extraConfig'));
  const facts: Omit<VsphereVm, 'findings'> = {
    path: place.path,
    moref: object.value,
    name: decodedName(of('name') ?? object.value),
    instance_uuid: of('config.instanceUuid'),
    bios_uuid: of('config.uuid'),
    template: of('config.template') === 'true',
    power_state: powerState(of('runtime.powerState')),
    connection_state: of('runtime.connectionState') ?? 'unknown',
    guest: of('config.guestFullName'),
    hardware_version: version,
    tools: toolsState(of('guest.toolsRunningStatus'), of('guest.toolsStatus')),
    host: place.host,
    datacenter: place.datacenter,
    cbt: {
      supported: of('capability.changeTrackingSupported') !== 'false' && hardwareNumber(version) >= 7,
      enabled: of('config.changeTrackingEnabled') === 'true',
    },
    disks: toldAsAttached(disksOf(devices), attachMarksIn(values.get('config.extraConfig'))),
    snapshots: snapshotsOf(values.get('snapshot'), clockOffset),
    consolidation_needed: of('runtime.consolidationNeeded') === 'true',
    last_revert: place.reverts?.last ?? null,
    reverts_known_since: place.reverts?.knownSince ?? null,
    half_restored: mark && { run: mark.run, point: mark.point, torn: mark.isTorn },
    restored_in_place: note && { run: note.run, point: note.point },
  };
  const findings = vmFindings(facts, {
    encrypted: values.has('config.keyId'),
    vtpm: devices.some((device) => xsiType(device) === 'VirtualTPM'),
    faultTolerance: !['notConfigured', null].includes(of('runtime.faultToleranceState')),
    sharedBuses: devices
      .filter((device) => ['physicalSharing', 'virtualSharing'].includes(optionalText(device, 'sharedBus') ?? ''))
      .map((device) => optionalText(device, 'deviceInfo.label') ?? text(device, 'key')),
    datastoreTypes: place.datastoreTypes,
    eventsUnreadable: place.reverts?.unreadable ?? null,
  });
  return { ...facts, findings };
}

/** vSphere writes slash, backslash and percent sign in names as %2f, %5c and %25. */
export const decodedName = (name: string): string =>
  name.replaceAll(/%(2f|5c|25)/gi, (escape) => decodeURIComponent(escape));

const powerState = (state: string | null): VsphereVm['power_state'] =>
  state === 'poweredOn' || state === 'poweredOff' || state === 'suspended' ? state : 'unknown';

/** vmx-19: 19. Unknown counts as new. */
const hardwareNumber = (version: string | null): number => Number(/^vmx-0*([0-9]+)$/.exec(version ?? '')?.[1] ?? 99);

function toolsState(running: string | null, status: string | null): string {
  if (running === 'guestToolsRunning') return 'running';
  if (status === 'toolsNotInstalled') return 'not-installed';
  return running === null ? 'unknown' : 'not-running';
}

function snapshotsOf(info: XmlValue | undefined, clockOffset: number): VsphereSnapshot[] {
  const current = optionalMoref(info, 'currentSnapshot')?.value;
  const flatten = (trees: readonly XmlValue[]): VsphereSnapshot[] =>
    trees.flatMap((tree) => {
      const name = decodedName(text(tree, 'name'));
      const description = optionalText(tree, 'description') ?? '';
      const moref = text(tree, 'snapshot');
      return [
        {
          moref,
          name,
          description,
          created: Math.max(0, Date.parse(text(tree, 'createTime')) - clockOffset) || 0,
          quiesced: flag(tree, 'quiesced'),
          current: moref === current,
          ours: readMark(name, description) !== null,
        },
        ...flatten(list(tree, 'childSnapshotList')),
      ];
    });
  return flatten(list(info, 'rootSnapshotList'));
}
