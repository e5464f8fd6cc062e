import type { VmConfig } from '../../schemas/types.ts';
import { at, flag, plainInteger, list, optionalText, text, xsiType, type XmlValue } from './xml.ts';

type Devices = Pick<VmConfig, 'controllers' | 'networks' | 'others'>;

/** Every VM has these, whatever one asks for. */
const builtIn = new Set(['VirtualKeyboard', 'VirtualPointingDevice', 'VirtualMachineVMCI']);

/** All devices of a configuration but its disks. `networkNames`: of distributed port groups, by key. */
export function vmConfigDevices(config: XmlValue, networkNames: ReadonlyMap<string, string>): Devices {
  const devices: Devices = { controllers: [], networks: [], others: [] };
  for (const device of list(config, 'hardware.device')) {
    const type = xsiType(device) ?? 'VirtualDevice';
    if (type === 'VirtualDisk' || builtIn.has(type)) continue;
    if (type.endsWith('Controller')) devices.controllers.push(controllerOf(type, device));
    else if (at(device, 'macAddress')) devices.networks.push(networkOf(type, device, networkNames));
    else devices.others.push(otherOf(type, device));
  }
  return devices;
}

const controllerOf = (type: string, device: XmlValue): VmConfig['controllers'][number] => ({
  key: keyOf(device),
  type,
  label: labelOf(device),
  bus: number(device, 'busNumber'),
  sharing: optionalText(device, 'sharedBus') ?? null,
  scsi_unit: number(device, 'scsiCtlrUnitNumber'),
});

function networkOf(type: string, device: XmlValue, names: ReadonlyMap<string, string>): VmConfig['networks'][number] {
  const backing = at(device, 'backing');
  const portgroup = optionalText(backing, 'port.portgroupKey') ?? null;
  return {
    key: keyOf(device),
    label: labelOf(device),
    type,
    ...placeOf(device),
    mac: optionalText(device, 'macAddress') ?? null,
    mac_type: optionalText(device, 'addressType') ?? null,
    network: portgroup === null ? (optionalText(backing, 'deviceName') ?? null) : (names.get(portgroup) ?? null),
    portgroup,
    switch_uuid: optionalText(backing, 'port.switchUuid') ?? null,
    opaque_id: optionalText(backing, 'opaqueNetworkId') ?? null,
    connected: truth(device, 'connectable.connected'),
    start_connected: truth(device, 'connectable.startConnected'),
  };
}

const otherOf = (type: string, device: XmlValue): VmConfig['others'][number] => ({
  key: keyOf(device),
  type,
  label: labelOf(device),
  summary: optionalText(device, 'deviceInfo.summary') ?? '',
  ...placeOf(device),
  backing: optionalText(device, 'backing.fileName') ?? optionalText(device, 'backing.deviceName') ?? null,
  start_connected: truth(device, 'connectable.startConnected'),
});

const keyOf = (device: XmlValue): number => plainInteger(device, 'key');
const labelOf = (device: XmlValue): string => optionalText(device, 'deviceInfo.label') ?? text(device, 'key');
const placeOf = (device: XmlValue): { controller_key: number | null; unit: number | null } => ({
  controller_key: number(device, 'controllerKey'),
  unit: number(device, 'unitNumber'),
});

/** Null where it is missing. */
export const number = (value: XmlValue | undefined, path: string): number | null =>
  optionalText(value, path) === undefined ? null : plainInteger(value, path);

/** Null where it is missing. */
export const truth = (value: XmlValue | undefined, path: string): boolean | null =>
  optionalText(value, path) === undefined ? null : flag(value, path);
