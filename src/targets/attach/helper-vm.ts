import { createHash } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { AttachChecked, NewVm, VmConfig } from '../../schemas/types.ts';
import type { KeyedDisk } from '../target-hub.ts';
import type { RestoredDisk } from '../target-kind.ts';
import type { WantedVm } from '../vsphere/wanted-vm.ts';

export interface HelperDisks {
  readonly run: string;
  readonly point: string;
  readonly disks: readonly KeyedDisk[];
  readonly sizes: NewVm['disks'];
  readonly thin: boolean;
}

/** Of a SCSI controller; it has unit 7 itself. */
const disksAtOne = 15;
const controllers = 4;

/** @throws SendenseError `target.unfit` */
export function keyedDisks(disks: readonly RestoredDisk[]): KeyedDisk[] {
  if (disks.length <= disksAtOne * controllers)
    return disks.map((disk, nth) => ({ key: String(firstKey + nth), disk }));
  throw new SendenseError('target.unfit', `${disks.length} disks are more than can be attached at once`, {
    remedy: `Choose up to ${disksAtOne * controllers} of them: \`disks: [0, 1]\`, or --disk 0 --disk 1.`,
  });
}

const firstKey = 2000;

/**
 * The VM that disks are made with which another VM gets: it has nothing but them, and is never started. VMware's library writes no disk
 * of a VM that runs. Its name follows from what is asked for, so that the next run finds what this one leaves.
 */
export function helperVm(receiver: AttachChecked, { run, point, disks, sizes, thin }: HelperDisks): WantedVm {
  const { folder, pool, datastore, directory } = receiver;
  const asked = [receiver.identity, point, disks.map(({ disk }) => disk.disk), datastore, thin];
  const name = `sendense-attach-${createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 12)}`;
  // They stay where they are when the VM gets them: with its own files, wherever that can be.
  const files = Object.fromEntries(
    directory === null
      ? []
      : disks.map(({ key, disk }) => [key, `${directory}/sendense-${run}-${disk.disk}.vmdk`] as const),
  );
  const vm: NewVm = {
    run,
    point,
    takes_over: null,
    vm_config: helperConfig(name, receiver, disks, thin),
    place: { name, folder, pool, datastore, disks: {}, networks: {}, files },
    disks: sizes,
    mac: 'new',
    identity: 'new',
    connect: false,
    thin,
    without_tpm: false,
  };
  return { vm, disks };
}

function helperConfig(
  name: string,
  { name: receiver, folder, datastore, hardware_version: hardwareVersion }: AttachChecked,
  disks: readonly KeyedDisk[],
  thin: boolean,
): VmConfig {
  const allocation = { reservation: null, limit: null, shares: null };
  const used = Array.from({ length: Math.ceil(disks.length / disksAtOne) }, (_, bus) => bus);
  return {
    format: 'sendense-vm-config/1',
    taken: 0,
    name,
    path: `${folder}/${name}`,
    moref: 'vm-0',
    instance_uuid: null,
    bios_uuid: null,
    vsphere: '',
    datacenter: null,
    folder,
    resource_pool: null,
    host: null,
    guest_id: 'otherGuest64',
    guest_name: null,
    annotation: `It goes when the VM ${receiver} has its disks.`,
    hardware_version: hardwareVersion ?? oldest,
    firmware: 'bios',
    secure_boot: null,
    boot: { delay_ms: null, retry: null, retry_delay_ms: null, enter_setup: null, order: [] },
    cpu: { count: 1, cores_per_socket: 1, hot_add: null, hot_remove: null, nested: null, allocation },
    memory: { bytes: 16 * 2 ** 20, hot_add: null, reservation_locked: null, allocation },
    security: { virtualization_based: null, iommu: null, encrypted: false, tpm: false },
    change_tracking: false,
    controllers: used.map((bus) => ({
      key: 1000 + bus,
      type: 'ParaVirtualSCSIController',
      label: `SCSI controller ${bus}`,
      bus,
      sharing: null,
      scsi_unit: 7,
    })),
    disks: disks.map(({ key, disk }, nth) => {
      const [bus, at] = [Math.trunc(nth / disksAtOne), nth % disksAtOne];
      const unit = at < 7 ? at : at + 1;
      return {
        key: Number(key),
        label: disk.disk,
        controller_key: 1000 + bus,
        unit,
        address: `scsi${bus}:${unit}`,
        capacity_bytes: disk.capacity_bytes,
        mode: 'persistent',
        backing: 'flat',
        thin,
        sharing: null,
        datastore,
        file: '',
        uuid: null,
        in_restore_point: true,
      };
    }),
    networks: [],
    others: [],
    vapp: [],
    extra_config: [],
    secrets_dropped: 0,
    vmx: null,
    nvram: null,
    warnings: [],
  };
}

/** Every ESXi that Sendense knows makes it. */
const oldest = 'vmx-13';
