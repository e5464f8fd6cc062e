import { createHash } from 'node:crypto';
import { at, list, optionalText, xsiType, type XmlValue } from '../xml.ts';

/** What the functions here need of a VM. */
export const tracePaths = ['config.hardware', 'config.extraConfig', 'layoutEx', 'snapshot'] as const;

type Values = ReadonlyMap<string, XmlValue>;

/** Of a device: what no server changes by itself. Change ids, summaries and the state of a connection do change. */
const devicePaths = [
  'key',
  'controllerKey',
  'unitNumber',
  'busNumber',
  'capacityInKB',
  'backing.fileName',
  'backing.uuid',
  'backing.diskMode',
  'backing.deviceName',
  'backing.port.portgroupKey',
  'connectable.startConnected',
] as const;

/** Of processors, memory, devices and the files of disks: another one is another machine. */
export function hardwareDigest(values: Values): string {
  const hardware = values.get('config.hardware');
  const devices = list(hardware, 'device').map((device) => [
    xsiType(device),
    ...devicePaths.map((path) => optionalText(device, path) ?? null),
  ]);
  return digestOf([optionalText(hardware, 'numCPU'), optionalText(hardware, 'memoryMB'), devices]);
}

/** Values that the start of a VM writes into its configuration. */
const startOptions = ['cleanShutdown', 'softPowerOff', 'sched.swap.derivedName', 'vmotion.checkpointFBSize'];

/** Of what the start of a VM leaves in its configuration and among its files, wherever they are: it differs once the VM was started. */
export function startsDigest(values: Values): string {
  const options = list(values.get('config.extraConfig'), 'OptionValue')
    .map((one) => [optionalText(one, 'key') ?? '', optionalText(one, 'value') ?? ''] as const)
    .filter(([key]) => startOptions.includes(key))
    // A path: another one when the VM has moved.
    .map(([key, value]) => [key, value.includes('/') ? '/' : value] as const)
    .toSorted(([one], [other]) => one.localeCompare(other));
  const logs = list(values.get('layoutEx'), 'file')
    .filter((file) => optionalText(file, 'type') === 'log')
    .map((file) => (optionalText(file, 'name') ?? '').replace(/^.*[/\]] ?/, ''))
    .toSorted();
  return digestOf([options, logs]);
}

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** Whether a VM has a snapshot. */
export const hasSnapshot = (values: Values): boolean => at(values.get('snapshot'), 'rootSnapshotList') !== undefined;
