import { SendenseError } from '../../errors/sendense-error.ts';
import type { VmConfig, VsphereDisk, VsphereVm } from '../../schemas/types.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import type { DownloadFile } from './download-datastore-file.ts';
import { vmDisks } from './vm-disks.ts';
import { number, truth, vmConfigDevices } from './vm-config-devices.ts';
import { vmConfigFiles } from './vm-config-files.ts';
import { mayBeSecret } from './without-secrets.ts';
import {
  at,
  flag,
  plainInteger,
  list,
  moref,
  optionalMoref,
  optionalText,
  text,
  xsiType,
  type XmlValue,
} from './xml.ts';

export interface VmConfigOptions {
  readonly facts: Pick<VsphereVm, 'moref' | 'path' | 'name' | 'instance_uuid' | 'bios_uuid' | 'datacenter' | 'host'>;
  /** The snapshot that is backed up: the configuration is that of its moment. */
  readonly snapshot: Moref;
  /** The snapshot's disks that take part. */
  readonly disks: readonly VsphereDisk[];
  readonly download: DownloadFile;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What is needed to make the VM again, beside its disks.
 * @throws SendenseError `vsphere.*`; what cannot be saved of the VM's files is named in `warnings`
 */
export async function vmConfig(vsphere: Vsphere, options: VmConfigOptions): Promise<VmConfig> {
  const { facts, snapshot, signal } = options;
  const vm: Moref = { type: 'VirtualMachine', value: facts.moref };
  const found = await vsphere.properties([vm, snapshot], ['config'], signal ? { signal } : {});
  const [live, config] = [vm, snapshot].map(({ value }) =>
    found.find(({ object }) => object.value === value)?.values.get('config'),
  );
  if (!config) throw new SendenseError('snapshot.failed', `vSphere shows no configuration of ${snapshot.value}`);
  const [names, files] = [await namesOf(vsphere, vm, signal), await vmConfigFiles(config, options.download, signal)];
  const extra = list(config, 'extraConfig').map((one) => ({
    key: text(one, 'key'),
    value: optionalText(one, 'value') ?? '',
  }));
  const vapp = list(config, 'vAppConfig.property').map(vappProperty);
  const kept = { extra: extra.filter(({ key }) => !mayBeSecret(key)), vapp: vapp.filter((one) => !isSecret(one)) };
  const dropped = extra.length - kept.extra.length + vapp.length - kept.vapp.length;
  return {
    format: 'sendense-vm-config/1',
    taken: Date.now(),
    name: facts.name,
    path: facts.path,
    moref: facts.moref,
    instance_uuid: facts.instance_uuid,
    bios_uuid: facts.bios_uuid,
    vsphere: vsphere.about.fullName,
    datacenter: facts.datacenter,
    folder: facts.path.includes('/') ? facts.path.slice(0, facts.path.lastIndexOf('/')) || '/' : null,
    resource_pool: names.resourcePool,
    host: facts.host,
    ...settings(config),
    ...vmConfigDevices(config, names.networks),
    disks: disksOf(vmDisks(config), live ? vmDisks(live) : [], options.disks),
    vapp: kept.vapp,
    extra_config: kept.extra,
    secrets_dropped: dropped + files.secrets_dropped,
    vmx: files.vmx,
    nvram: files.nvram,
    warnings: files.warnings,
  };
}

type Settings = Pick<
  VmConfig,
  | 'guest_id' | 'guest_name' | 'annotation' | 'hardware_version' | 'firmware' | 'secure_boot' | 'boot' | 'cpu' | 'memory'
  | 'security' | 'change_tracking'
>; // oxfmt-ignore

function settings(config: XmlValue): Settings {
  const boot = at(config, 'bootOptions');
  return {
    guest_id: optionalText(config, 'guestId') ?? null,
    guest_name: optionalText(config, 'guestFullName') ?? null,
    annotation: optionalText(config, 'annotation') ?? '',
    hardware_version: optionalText(config, 'version') ?? null,
    firmware: optionalText(config, 'firmware') ?? null,
    secure_boot: truth(boot, 'efiSecureBootEnabled'),
    boot: {
      delay_ms: number(boot, 'bootDelay'),
      retry: truth(boot, 'bootRetryEnabled'),
      retry_delay_ms: number(boot, 'bootRetryDelay'),
      enter_setup: truth(boot, 'enterBIOSSetup'),
      order: list(boot, 'bootOrder').map(bootDevice),
    },
    cpu: {
      count: plainInteger(config, 'hardware.numCPU'),
      cores_per_socket: number(config, 'hardware.numCoresPerSocket'),
      hot_add: truth(config, 'cpuHotAddEnabled'),
      hot_remove: truth(config, 'cpuHotRemoveEnabled'),
      nested: truth(config, 'nestedHVEnabled'),
      allocation: allocationOf(at(config, 'cpuAllocation')),
    },
    memory: {
      bytes: plainInteger(config, 'hardware.memoryMB', 1024 * 1024),
      hot_add: truth(config, 'memoryHotAddEnabled'),
      reservation_locked: truth(config, 'memoryReservationLockedToMax'),
      allocation: allocationOf(at(config, 'memoryAllocation')),
    },
    security: {
      virtualization_based: truth(config, 'flags.vbsEnabled'),
      iommu: truth(config, 'flags.vvtdEnabled'),
      encrypted: at(config, 'keyId') !== undefined,
      tpm: list(config, 'hardware.device').some((device) => xsiType(device) === 'VirtualTPM'),
    },
    change_tracking: flag(config, 'changeTrackingEnabled'),
  };
}

const allocationOf = (value: XmlValue | undefined): VmConfig['cpu']['allocation'] => ({
  reservation: number(value, 'reservation'),
  limit: number(value, 'limit'),
  shares: number(value, 'shares.shares'),
});

/** `VirtualMachineBootOptionsBootableDiskDevice` with key 2000 -> `disk 2000`. */
function bootDevice(device: XmlValue): string {
  const kind = (xsiType(device) ?? 'device')
    .replace(/^VirtualMachineBootOptionsBootable(\w+)Device$/, '$1')
    .toLowerCase();
  const key = optionalText(device, 'deviceKey');
  return key === undefined ? kind : `${kind} ${key}`;
}

/** Those of the snapshot, and those that take no part in it. */
function disksOf(
  frozen: readonly VsphereDisk[],
  live: readonly VsphereDisk[],
  saved: readonly VsphereDisk[],
): VmConfig['disks'] {
  const others = live.filter((disk) => !frozen.some(({ key }) => key === disk.key));
  return [...frozen, ...others].map((disk) => {
    const { key, label, controller_key, unit, address, capacity_bytes, mode, backing, thin, sharing } = disk;
    const { datastore, file, uuid } = disk;
    const place = { key, label, controller_key, unit, address };
    const kind = { capacity_bytes, mode, backing, thin, sharing, datastore, file, uuid };
    return { ...place, ...kind, in_restore_point: saved.some((one) => one.key === key) };
  });
}

type VappProperty = VmConfig['vapp'][number];

const vappProperty = (property: XmlValue): VappProperty => ({
  id: optionalText(property, 'id') ?? '',
  label: optionalText(property, 'label') ?? '',
  type: optionalText(property, 'type') ?? '',
  value: optionalText(property, 'value') ?? optionalText(property, 'defaultValue') ?? '',
});

const isSecret = ({ id, label, type }: VappProperty): boolean =>
  type.startsWith('password') || mayBeSecret(id) || mayBeSecret(label);

/** Names that the configuration has only references to. */
async function namesOf(
  vsphere: Vsphere,
  vm: Moref,
  signal: AbortSignal | undefined,
): Promise<{ resourcePool: string | null; networks: ReadonlyMap<string, string> }> {
  const options = signal ? { signal } : {};
  const [found] = await vsphere.properties([vm], ['resourcePool', 'network'], options);
  const pool = optionalMoref(found?.values.get('resourcePool'));
  const networks = list(found?.values.get('network'), 'ManagedObjectReference').map((one) => moref(one));
  const named = await vsphere.properties([...(pool ? [pool] : []), ...networks], ['name'], options);
  const names = new Map(named.map(({ object, values }) => [object.value, optionalText(values.get('name')) ?? '']));
  return { resourcePool: (pool && names.get(pool.value)) ?? null, networks: names };
}
