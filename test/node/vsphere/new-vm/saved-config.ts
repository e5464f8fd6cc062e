import type { VmConfig } from '../../../../src/schemas/types.ts';

const MiB = 1024 * 1024;

type Disk = VmConfig['disks'][number];

const allocation = { reservation: 0, limit: -1, shares: null };

export const savedDisk = (more: Partial<Disk>): Disk => ({
  key: 2000,
  label: 'Hard disk 1',
  controller_key: 1000,
  unit: 0,
  address: 'scsi0:0',
  capacity_bytes: 4 * MiB,
  mode: 'persistent',
  backing: 'flat',
  thin: true,
  sharing: null,
  datastore: 'LocalDS_0',
  file: '[LocalDS_0] pgtest1/pgtest1.vmdk',
  uuid: '6000c29a-0000-0000-0000-000000000001',
  in_restore_point: true,
  ...more,
});

/** The configuration of a VM with one disk and one adapter. */
export const savedConfig = (more: Partial<VmConfig> = {}): VmConfig => ({
  format: 'sendense-vm-config/1',
  taken: 1_700_000_000_000,
  name: 'pgtest1',
  path: '/DC1/vm/pgtest1',
  moref: 'vm-57',
  instance_uuid: '503d0000-1111-2222-3333-444455556666',
  bios_uuid: '423d0000-1111-2222-3333-444455556666',
  vsphere: 'VMware vCenter Server 8.0.2',
  datacenter: 'DC1',
  folder: '/DC1/vm',
  resource_pool: 'Resources',
  host: 'esx1.example.com',
  guest_id: 'debian10_64Guest',
  guest_name: 'Debian GNU/Linux 10 (64-bit)',
  annotation: 'Payroll & "more"',
  hardware_version: 'vmx-15',
  firmware: 'efi',
  secure_boot: true,
  boot: { delay_ms: null, retry: null, retry_delay_ms: null, enter_setup: null, order: [] },
  cpu: { count: 4, cores_per_socket: 2, hot_add: true, hot_remove: null, nested: null, allocation },
  memory: { bytes: 2048 * MiB, hot_add: null, reservation_locked: null, allocation },
  security: { virtualization_based: null, iommu: null, encrypted: false, tpm: false },
  change_tracking: true,
  controllers: [
    { key: 200, type: 'VirtualIDEController', label: 'IDE 0', bus: 0, sharing: null, scsi_unit: null },
    {
      key: 1000,
      type: 'VirtualLsiLogicSASController',
      label: 'SCSI controller 0',
      bus: 0,
      sharing: 'noSharing',
      scsi_unit: 7,
    },
  ],
  disks: [savedDisk({})],
  networks: [
    {
      key: 4000,
      label: 'Network adapter 1',
      type: 'VirtualVmxnet3',
      controller_key: 100,
      unit: 7,
      mac: '00:50:56:81:0a:01',
      mac_type: 'assigned',
      network: 'VM Network',
      portgroup: null,
      switch_uuid: null,
      opaque_id: null,
      connected: true,
      start_connected: true,
    },
  ],
  others: [],
  vapp: [],
  extra_config: [{ key: 'disk.EnableUUID', value: 'TRUE' }],
  secrets_dropped: 0,
  vmx: null,
  nvram: null,
  warnings: [],
  ...more,
});
