import type { VmConfig } from '../../../../src/schemas/types.ts';
import {
  savedCard,
  savedController,
  savedConfig as usualConfig,
  savedDisk as usualDisk,
} from '../../../machines/saved-config.ts';

const MiB = 1024 * 1024;

type Disk = VmConfig['disks'][number];

const allocation = { reservation: 0, limit: -1, shares: null };

export const savedDisk = (more: Partial<Disk>): Disk =>
  usualDisk(0, {
    capacity_bytes: 4 * MiB,
    file: '[LocalDS_0] pgtest1/pgtest1.vmdk',
    uuid: '6000c29a-0000-0000-0000-000000000001',
    ...more,
  });

/** The configuration of a VM with one disk and one adapter, which has more than its guest sees. */
export const savedConfig = (more: Partial<VmConfig> = {}): VmConfig =>
  usualConfig({
    bios_uuid: '423d0000-1111-2222-3333-444455556666',
    instance_uuid: '503d0000-1111-2222-3333-444455556666',
    annotation: 'Payroll & "more"',
    hardware_version: 'vmx-15',
    firmware: 'efi',
    secure_boot: true,
    cpu: { count: 4, cores_per_socket: 2, hot_add: true, hot_remove: null, nested: null, allocation },
    memory: { bytes: 2048 * MiB, hot_add: null, reservation_locked: null, allocation },
    controllers: [
      { ...savedController(200, 'VirtualIDEController'), scsi_unit: null },
      { ...savedController(1000, 'VirtualLsiLogicSASController'), sharing: 'noSharing' },
    ],
    disks: [savedDisk({})],
    networks: [savedCard({ mac: '00:50:56:81:0a:01' })],
    extra_config: [{ key: 'disk.EnableUUID', value: 'TRUE' }],
    ...more,
  });
