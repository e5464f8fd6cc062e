import type { DiskBus } from '../host/images/guest-disks.ts';

/** A virtual machine as its guest knows it, made of what others may have written: each name and number is bounded and checked. */
export interface Machine {
  /** Letters, digits, `.`, `_` and `-`, 64 at most; begins with a letter or digit. */
  readonly name: string;
  readonly firmware: 'bios' | 'efi';
  /** Whether the guest was started with Secure Boot. */
  readonly secureBoot: boolean;
  readonly cpus: { readonly count: number; readonly coresPerSocket: number };
  /** Whole mebibytes. */
  readonly memoryBytes: number;
  /** In the VM's own order. */
  readonly disks: readonly MachineDisk[];
  readonly networks: readonly MachineNetwork[];
  /** What the guest takes the clock of its hardware for. */
  readonly clock: 'utc' | 'localtime';
  /** What the firmware tells the guest that it is: lower case, with hyphens; null: not known. */
  readonly biosUuid: string | null;
  /** What the guest had and cannot have here, and what stands in its place: one sentence each, of printable characters. */
  readonly notes: readonly string[];
}

export interface MachineDisk {
  /** As the restore point counts them. */
  readonly number: number;
  readonly bus: DiskBus;
  readonly place: DiskPlace;
  /** From 1, and each once: the firmware tries them in this order. */
  readonly bootOrder: number;
}

/** Where a disk is on its kind of controller. */
export interface DiskPlace {
  /** The number of the controller: one count for all that are SCSI, and one for each other kind. */
  readonly controller: number;
  /** SCSI id, SATA port, NVMe namespace less one; for IDE 0 to 3: primary master, primary slave, and so on. */
  readonly unit: number;
}

export type NetworkModel = 'vmxnet3' | 'e1000' | 'e1000e' | 'pcnet';

export interface MachineNetwork {
  readonly model: NetworkModel;
  /** Six bytes in lower case with colons, of one card only; null: none was saved that could be used. */
  readonly mac: string | null;
  /** Name of the network that it was in, printable, 255 characters at most; null: none was saved. A name of vSphere: never a name here. */
  readonly network: string | null;
  /** Whether it was connected when the VM was started. */
  readonly connected: boolean;
}
