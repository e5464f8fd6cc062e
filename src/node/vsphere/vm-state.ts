import { SendenseError } from '../../errors/sendense-error.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { readMark, type SnapshotMark } from './snapshot-mark.ts';
import { decodedName } from './vm-properties.ts';
import { flag, list, moref, optionalText, text, type XmlValue } from './xml.ts';

/** What a snapshot depends on, as it is now. */
export interface VmState {
  readonly name: string;
  readonly poweredOn: boolean;
  readonly suspended: boolean;
  readonly isTemplate: boolean;
  readonly connection: string;
  readonly toolsRunning: boolean;
  readonly changeTracking: boolean;
  /** False where vSphere says that this VM cannot. */
  readonly changeTrackingSupported: boolean;
  /** 19 for vmx-19; null where it is not known. */
  readonly hardwareVersion: number | null;
  readonly consolidationNeeded: boolean;
  /** The whole tree, parents first. */
  readonly snapshots: readonly VmSnapshot[];
}

export interface VmSnapshot {
  readonly moref: Moref;
  readonly name: string;
  /** Milliseconds since the epoch, in vSphere's clock. */
  readonly created: number;
  readonly quiesced: boolean;
  /** Null: not ours. */
  readonly mark: SnapshotMark | null;
}

const paths = [
  'name',
  'runtime.powerState',
  'runtime.connectionState',
  'runtime.consolidationNeeded',
  'capability.changeTrackingSupported',
  'config.changeTrackingEnabled',
  'config.version',
  'config.template',
  'guest.toolsRunningStatus',
  'snapshot',
];

/** A fresh look at the VM. @throws SendenseError `source.missing` where there is no such VM (any more) */
export async function lookAtVm(vsphere: Vsphere, vm: Moref, signal?: AbortSignal): Promise<VmState> {
  const [found] = await vsphere.properties([vm], paths, signal ? { signal } : {});
  if (!found) throw new SendenseError('source.missing', `there is no VM ${vm.value}`);
  const of = (path: string): string | null => optionalText(found.values.get(path)) ?? null;
  const power = of('runtime.powerState');
  const [, version] = /^vmx-(\d+)$/.exec(of('config.version') ?? '') ?? [];
  return {
    name: decodedName(of('name') ?? vm.value),
    poweredOn: power === 'poweredOn',
    suspended: power === 'suspended',
    isTemplate: of('config.template') === 'true',
    connection: of('runtime.connectionState') ?? 'connected',
    toolsRunning: of('guest.toolsRunningStatus') === 'guestToolsRunning',
    changeTracking: of('config.changeTrackingEnabled') === 'true',
    changeTrackingSupported: of('capability.changeTrackingSupported') !== 'false',
    hardwareVersion: version === undefined ? null : Number(version),
    consolidationNeeded: of('runtime.consolidationNeeded') === 'true',
    snapshots: flatten(list(found.values.get('snapshot'), 'rootSnapshotList')),
  };
}

const flatten = (trees: readonly XmlValue[]): VmSnapshot[] =>
  trees.flatMap((tree) => [snapshotOf(tree), ...flatten(list(tree, 'childSnapshotList'))]);

function snapshotOf(tree: XmlValue): VmSnapshot {
  const name = decodedName(text(tree, 'name'));
  return {
    moref: moref(tree, 'snapshot'),
    name,
    created: Date.parse(text(tree, 'createTime')),
    quiesced: flag(tree, 'quiesced'),
    mark: readMark(name, optionalText(tree, 'description') ?? ''),
  };
}
