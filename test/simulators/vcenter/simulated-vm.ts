import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Control } from './control-client.ts';

export interface DiskSpec {
  /** Bytes. */
  readonly capacity: number;
  /** scsi0 */
  readonly controller?: 'scsi0' | 'scsi1' | 'sata0' | 'nvme0' | 'ide0';
  /** The next free one. */
  readonly unit?: number;
  /** What vSphere gives this controller and unit: 2000, 2016, 16000, 32000, 3000, and on. */
  readonly key?: number;
  /** persistent */
  readonly mode?: 'persistent' | 'independent_persistent' | 'independent_nonpersistent';
  /** flat. `parent`: a linked clone, whose first link of the chain is another disk. */
  readonly backing?: 'flat' | 'rdm-physical' | 'rdm-virtual' | 'sesparse' | 'parent';
  readonly uuid?: string;
  /** sharingNone */
  readonly sharing?: 'sharingNone' | 'sharingMultiWriter';
  /** The file is encrypted with this key. */
  readonly keyId?: string;
  /** Freeze without a copy: for big disks that nobody writes to from the first snapshot on (for changes: the fault `many-areas`). */
  readonly share?: boolean;
  /** Written at the start of the disk. */
  readonly content?: Uint8Array;
}

export interface VmSpec {
  readonly name: string;
  /** Folder below the datacenter's `vm`, such as `a/b`. */
  readonly folder?: string;
  readonly disks: readonly DiskSpec[];
  /** Change tracking on and active from the start. */
  readonly cbt?: boolean;
  /** 19 */
  readonly hardwareVersion?: number;
  /** Whether VMware Tools run: true. */
  readonly tools?: boolean;
  readonly poweredOn?: boolean;
  readonly guestId?: string;
  readonly annotation?: string;
  readonly firmware?: 'bios' | 'efi';
  readonly uuid?: string;
  readonly instanceUuid?: string;
  readonly cpus?: number;
  readonly memoryMb?: number;
  /** One vmxnet3 adapter each; without it one on `VM Network`. */
  readonly networks?: readonly { readonly name: string; readonly mac?: string }[];
  /** Controllers of other kinds than disks bring by themselves, such as `VirtualLsiLogicController` as bus 0 for `scsi0`. */
  readonly controllers?: readonly { readonly kind: string; readonly bus: number }[];
  readonly nvram?: Buffer;
  /** The VM's own files are encrypted with this key, as those of one with a virtual TPM. */
  readonly keyId?: string;
}

export interface SimulatedDisk {
  readonly key: number;
  readonly uuid: string;
  readonly capacity: number;
  /** What the guest writes to: always the running disk, whatever snapshots there are. Open it anew for each write. */
  readonly flatFile: string;
  /** As of now, such as `[LocalDS_0] pgtest1/pgtest1-000001.vmdk`. */
  readonly fileName: string;
  readonly changeId: string;
  readonly datastore: string;
  readonly thin: boolean;
}

export interface SimulatedSnapshot {
  readonly name: string;
  readonly description: string;
  readonly moref: string;
  readonly quiesced: boolean;
}

/** A virtual machine of the test vCenter, seen from outside SOAP: what the guest, the administrator and the lightning do. */
export interface SimulatedVm {
  readonly moref: string;
  readonly name: string;
  /** Inventory path, `/DC1/vm/pgtest1`. */
  readonly path: string;
  readonly instanceUuid: string;
  readonly biosUuid: string;
  /** Folder of the machine's own files. */
  readonly home: string;
  powerState(): Promise<'poweredOn' | 'poweredOff'>;
  /** As of the last call of any method here. */
  readonly disks: readonly SimulatedDisk[];
  /** What the guest writes, in order with snapshots. */
  write(disk: number, offset: number, data: Uint8Array): Promise<void>;
  snapshots(): Promise<SimulatedSnapshot[]>;
  /** Elements of the longest chain of deltas, left-over ones too; 0 means: all consolidated. */
  layers(): Promise<number>;
  /** A snapshot by somebody else. Answers its moref. */
  snapshot(name: string, description?: string): Promise<string>;
  removeSnapshot(moref: string): Promise<void>;
  /** By somebody else. The disks are what they were at that snapshot, which stays. */
  revert(moref: string): Promise<void>;
  /**
   * File that holds the disk as of a snapshot (the newest where none is named). It stays, also after the snapshot and the disk are
   * removed, until the vCenter ends.
   */
  frozen(disk: number, snapshotMoref?: string): Promise<string>;
  /** `loss` is a power failure: the history of change tracking is lost. */
  power(state: 'on' | 'off' | 'loss'): Promise<void>;
  /** New history of change tracking, so a new UUID in its ids. */
  resetTracking(): Promise<void>;
  /** A running task that merges disks, until it is switched off. */
  consolidating(on: boolean): Promise<void>;
  addDisk(spec: DiskSpec): Promise<void>;
  removeDisk(disk: number): Promise<void>;
  resizeDisk(disk: number, capacity: number): Promise<void>;
  /** Each gets the other's controller, unit, key and place. */
  swapDisks(disk: number, other: number): Promise<void>;
  set(what: { name?: string; annotation?: string; tools?: 'on' | 'off'; disk?: number; mode?: string }): Promise<void>;
}

interface Described {
  readonly moref: string;
  readonly name: string;
  readonly path: string;
  readonly instance_uuid: string;
  readonly bios_uuid: string;
  readonly home: string;
  readonly power: 'poweredOn' | 'poweredOff';
  readonly layers: number;
  readonly snapshots: SimulatedSnapshot[];
  readonly disks: readonly {
    readonly key: number;
    readonly uuid: string;
    readonly capacity: number;
    readonly guest_file: string;
    readonly file_name: string;
    readonly change_id: string;
    readonly folder: string;
    readonly datastore: string;
    readonly thin: boolean;
  }[];
}

export async function simulatedVm(control: Control, answer: unknown, spec: VmSpec): Promise<SimulatedVm> {
  let now = answer as Described;
  const ask = async (path: string, query: Record<string, string | number> = {}, body?: string | Uint8Array) => {
    const result = await control(path, { vm: now.moref, ...query }, body);
    if ((result as Described).disks) now = result as Described;
    return result;
  };
  const vm: SimulatedVm = {
    moref: now.moref,
    instanceUuid: now.instance_uuid,
    biosUuid: now.bios_uuid,
    get name() {
      return now.name;
    },
    get home() {
      return now.home;
    },
    get path() {
      return now.path;
    },
    get disks() {
      return now.disks.map((disk) => ({
        key: disk.key,
        uuid: disk.uuid,
        capacity: disk.capacity,
        flatFile: disk.guest_file,
        fileName: disk.file_name,
        changeId: disk.change_id,
        datastore: disk.datastore,
        thin: disk.thin,
      }));
    },
    write: async (disk, offset, data) => void (await ask('/disk/write', { disk, offset }, data)),
    async snapshots() {
      await ask('/vm');
      return now.snapshots;
    },
    async layers() {
      await ask('/vm');
      return now.layers;
    },
    async snapshot(name, description = '') {
      return ((await ask('/vm/snapshot', { name, description })) as { moref: string }).moref;
    },
    removeSnapshot: async (snapshot) => void (await ask('/vm/snapshot/remove', { snapshot })),
    revert: async (snapshot) => void (await ask('/vm/revert', { snapshot })),
    async frozen(disk, moref) {
      await ask('/vm');
      const folder = now.disks[disk]?.folder;
      if (!folder) throw new Error(`${now.name} has no disk ${disk}`);
      return moref ? join(folder, `${moref}.raw`) : join(folder, await readlink(join(folder, 'newest')));
    },
    async powerState() {
      await ask('/vm');
      return now.power;
    },
    power: async (state) => void (await ask('/vm/power', { state })),
    resetTracking: async () => void (await ask('/vm/reset')),
    consolidating: async (on) => void (await ask('/vm/consolidating', { state: on ? 'on' : 'off' })),
    addDisk: async (disk) => void (await ask('/disk/add', {}, JSON.stringify({ ...disk, content: undefined }))),
    removeDisk: async (disk) => void (await ask('/disk/remove', { disk })),
    resizeDisk: async (disk, capacity) => void (await ask('/disk/resize', { disk, capacity })),
    swapDisks: async (disk, other) => void (await ask('/disk/swap', { disk, with: other })),
    set: async (what) => void (await ask('/vm/set', what as Record<string, string | number>)),
  };
  for (const [index, disk] of spec.disks.entries()) if (disk.content) await vm.write(index, 0, disk.content);
  return vm;
}
