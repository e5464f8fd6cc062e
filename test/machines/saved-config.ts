import type { VmConfig } from '../../src/schemas/types.ts';

const uuidOf = (number: number): string => `6000C29${number}-0000-0000-0000-000000000000`;

const allocation = { reservation: null, limit: null, shares: null };

/** A disk as vSphere would have it saved. */
export const savedDisk = (
  number: number,
  more: Partial<VmConfig['disks'][number]> = {},
): VmConfig['disks'][number] => ({
  key: 2000 + number,
  label: `Hard disk ${number + 1}`,
  controller_key: 1000,
  unit: number,
  address: `scsi0:${number}`,
  capacity_bytes: 2 ** 20,
  mode: 'persistent',
  backing: 'flat',
  thin: true,
  sharing: null,
  datastore: 'LocalDS_0',
  file: `[LocalDS_0] pgtest1/pgtest1_${number}.vmdk`,
  uuid: uuidOf(number),
  in_restore_point: true,
  ...more,
});

export const savedController = (
  key: number,
  type: string,
  bus: number | null = 0,
): VmConfig['controllers'][number] => ({
  key,
  type,
  label: `Controller ${key}`,
  bus,
  sharing: null,
  scsi_unit: 7,
});

export const savedCard = (more: Partial<VmConfig['networks'][number]> = {}): VmConfig['networks'][number] => ({
  key: 4000,
  label: 'Network adapter 1',
  type: 'VirtualVmxnet3',
  controller_key: 100,
  unit: 7,
  mac: '00:50:56:9A:1B:2C',
  mac_type: 'assigned',
  network: 'VM Network',
  portgroup: null,
  switch_uuid: null,
  opaque_id: null,
  connected: true,
  start_connected: true,
  ...more,
});

/** What was saved of a VM with one disk on paravirtual SCSI and one network card. */
export const savedConfig = (more: Partial<VmConfig> = {}): VmConfig => ({
  format: 'sendense-vm-config/1',
  taken: 1_700_000_000_000,
  name: 'pgtest1',
  path: '/DC1/vm/pgtest1',
  moref: 'vm-1',
  instance_uuid: '502e2b61-8d2f-4c4f-a2f7-6f9c4f5a9d11',
  bios_uuid: '422E2B61-8D2F-4C4F-A2F7-6F9C4F5A9D11',
  vsphere: 'VMware vCenter Server 8.0.0',
  datacenter: 'DC1',
  folder: '/DC1/vm',
  resource_pool: 'Resources',
  host: 'esx1.example.com',
  guest_id: 'debian10_64Guest',
  guest_name: 'Debian GNU/Linux 10 (64-bit)',
  annotation: '',
  hardware_version: 'vmx-19',
  firmware: 'bios',
  secure_boot: null,
  boot: { delay_ms: null, retry: null, retry_delay_ms: null, enter_setup: null, order: [] },
  cpu: { count: 2, cores_per_socket: 1, hot_add: null, hot_remove: null, nested: null, allocation },
  memory: { bytes: 256 * 2 ** 20, hot_add: null, reservation_locked: null, allocation },
  security: { virtualization_based: null, iommu: null, encrypted: false, tpm: false },
  change_tracking: true,
  controllers: [savedController(1000, 'ParaVirtualSCSIController')],
  disks: [savedDisk(0)],
  networks: [savedCard()],
  others: [],
  vapp: [],
  extra_config: [],
  secrets_dropped: 0,
  vmx: null,
  nvram: null,
  warnings: [],
  ...more,
});

/** Disks of a restore point: those of the saved configuration, in the order of their numbers. */
export const pointDisks = (count: number): { number: number; uuid: string }[] =>
  Array.from({ length: count }, (_, number) => ({ number, uuid: uuidOf(number) }));
