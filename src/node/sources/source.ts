import type { SendenseError } from '../../errors/sendense-error.ts';
import type {
  DiskInfo,
  ErrorOutput,
  Inventory,
  LeftBehind,
  NotProtected,
  SnapshotFacts,
  Source as SourceSpec,
  VsphereVm,
} from '../../schemas/types.ts';
import type { LoginName, RefusedLogins } from '../vsphere/refused-logins.ts';

/**
 * A kind of source: where disks are read. `image` reads disk images and block devices. `vsphere` makes one snapshot of a VM
 * when it is opened; `disk` serves one of its disks, `changes` asks what changed, closing removes the snapshot.
 */
export interface Source<S extends SourceSpec = SourceSpec> {
  readonly type: S['type'];
  /** What disks there are; changes nothing. @throws SendenseError `source.*`, with the field in `details.field` */
  discover(spec: S, options: DiscoverOptions): Promise<DiscoveredDisks>;
  /** All VMs, where the source has several. */
  inventory?(spec: S, options: InventoryOptions): Promise<Inventory>;
  /** One consistent view of all disks, for as long as it is open. */
  open(spec: S, options: OpenOptions): Promise<OpenSource>;
  /** Who logs in where, for a source that asks for a password. */
  account?(spec: S, login: Login): LoginName;
  /** Removes what a job left at the source whose process died. "Nothing there" is success. */
  cleanUp?(spec: S, options: CleanUpOptions): Promise<void>;
}

/** Who logs in at the source. Never written down. */
export interface Login {
  readonly user: string;
  readonly password: string;
  /** What was refused before, in this process. */
  readonly refused?: RefusedLogins | undefined;
}

export interface DiscoverOptions {
  /** Name of the VM, where the source has several. */
  readonly vmName: string;
  readonly login: Login | null;
  /** Files and folders of the node or hub itself, which are no disks. */
  readonly own?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Of all VMs. */
export interface InventoryOptions extends Omit<DiscoverOptions, 'vmName'> {
  /** With the tags of each. */
  readonly tags?: boolean | undefined;
}

export interface CleanUpOptions extends DiscoverOptions {
  readonly jobId: string;
  /** How long what fails is tried again, ms. Default: minutes. */
  readonly retryMs?: number | undefined;
}

export interface DiscoveredDisks {
  readonly disks: DiskInfo[];
  readonly warnings: string[];
  readonly vm?: VsphereVm | null;
  readonly not_protected?: NotProtected[];
  /** Why a backup as asked for is not possible. */
  readonly refused?: ErrorOutput | null;
}

export interface OpenOptions extends DiscoverOptions {
  readonly jobId: string;
  readonly backupId: string | null;
  /** The disks that the job is about; a source that finds another disk under a key refuses. */
  readonly expected: readonly { readonly key: string; readonly uuid: string | null }[];
  /** When the VM was last reverted to a snapshot, as the hub knew it, ms since the epoch; undefined: it did not ask. */
  readonly lastRevert?: number | null | undefined;
  warn(message: string): void;
  log(message: string): void;
  /** What goes on while no bytes move; null: nothing special. */
  activity(what: string | null): void;
  /** Something of ours stays at the source. Told once for each thing, while it is opened or closed. */
  left(what: LeftBehind): void;
  /** Folder of the job, for pid files; of any length. */
  readonly jobFolder: string;
  /** Folder of the job for sockets, short enough for them. Both exist. */
  readonly socketFolder: string;
}

export interface OpenSource extends AsyncDisposable {
  /** Keys of all disks, in order. */
  readonly keys: readonly string[];
  readonly facts?: {
    readonly snapshot: SnapshotFacts | null;
    /** The VM's configuration, in the job's folder. */
    readonly vmConfig: { readonly bytes: number; readonly sha256: string } | null;
    /** The VM's disks that are not in this backup, and why. */
    readonly notProtected: readonly NotProtected[];
  };
  /** Serves one disk, read-only. @throws SendenseError `source.*`, `nbd.failed` */
  disk(key: string, signal?: AbortSignal): Promise<OpenDisk>;
}

export interface OpenDisk extends AsyncDisposable {
  /** NBD URI of the disk's content. */
  readonly uri: string;
  /** A raw file or block device of this machine with the same content, which may be read in its place. */
  readonly rawFile?: string | undefined;
  /** Why the copy may not be of one moment; empty where it is. */
  readonly warnings: readonly string[];
  /** Bytes read from the disk so far, by anyone; null where that cannot be told. For progress only. */
  bytesRead(): number | null;
  /** Why the last read failed, in plain words; null where nothing more is known than the error says. */
  lastError?(): string | null;
  /** What was read may not be the disk; null where nothing is known to be wrong. For a read that failed. */
  lastFault?(): SendenseError | null;
  /** Reading is expensive (network, load of the hypervisor): every byte is read at most once. */
  readonly readOnce?: boolean | undefined;
  /** What one read is best made of, bytes. Default 1 MiB. */
  readonly requestBytes?: number | undefined;
  /** Connections that the export bears at a time; 1 for one that answers one request after the other anyway. Default 3. */
  readonly connections?: number | undefined;
  /**
   * For a full: what may hold data, in the form of {@link DiskChanges.areas}; the rest reads as zeros and is not read.
   * Absent or null: not known, everything is read. `capacity` in bytes, as served.
   */
  allocated?(capacity: number): Promise<DiskChanges['areas'] | null>;
  /**
   * What changed since a landmark; null where nothing keeps track. A source that cannot answer for `since` answers with
   * another landmark or null in its place, and the reason; one that counts from where it likes ignores it.
   */
  changes(capacity: number, since: string | null): Promise<DiskChanges | null>;
  /**
   * To be asked when all was read, `bytesRead` in all where each byte was read at most once. Nothing can be read afterwards.
   * @throws SendenseError `source.changed` where the disk changed since it was opened, as far as that can be told;
   *   `transport.unsafe` where it is not proven that what was read is the disk
   */
  assertUnchanged(bytesRead?: number): Promise<void>;
}

/** Offsets and lengths in bytes: ascending, not overlapping, within the capacity. */
export interface DiskChanges {
  /** Landmark of the disk as it is now. */
  readonly changeId: string;
  /** Landmark from which the areas count; null where they count from nothing. */
  readonly since: string | null;
  readonly areas: readonly { readonly offset: number; readonly length: number }[];
  /** Why the areas do not count from the landmark that was asked for: "change tracking was reset (…)". */
  readonly reason?: string | undefined;
}
