import type { SendenseError } from '../errors/sendense-error.ts';
import type { LeftBehind, NotProtected, SnapshotFacts } from '../schemas/types.ts';

/** What a source acts with while it is open. Closing it may warn, too. */
export interface JobPlace {
  /** Folder of the job, for pid files; of any length. */
  readonly jobFolder: string;
  /** Folder of the job for sockets, short enough for them. Both exist. */
  readonly socketFolder: string;
  readonly signal: AbortSignal;
  warn(message: string): void;
  log(message: string): void;
  /** What goes on while no bytes move; null: nothing special. Its being there tells that the job lives. */
  activity(what: string | null): void;
  /** Something of ours stays at the source. Told once for each thing, while it is opened or closed. */
  left(what: LeftBehind): void;
}

export interface SourceFacts {
  readonly snapshot: SnapshotFacts | null;
  /** The VM's configuration, put into the job's folder as `vm-config.json`. */
  readonly vmConfig: { readonly bytes: number; readonly sha256: string } | null;
  /** The VM's disks that are not in this backup, and why. */
  readonly notProtected: readonly NotProtected[];
}

/** One consistent view of all disks of a VM, for as long as it is open. Offsets and sizes in bytes. */
export interface OpenSource extends AsyncDisposable {
  /** Keys of all disks, in order. */
  readonly keys: readonly string[];
  /** What the job's status says of the source; absent where there is nothing to say. */
  readonly facts?: SourceFacts | undefined;
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
  /** What has become of the disk, where that is why a read failed; null where it is there as it was, or nobody can tell. */
  lost?(signal: AbortSignal): Promise<SendenseError | null>;
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
   * What changed since a change id; null where nothing keeps track. A source that cannot answer for `since` answers with
   * another change id or null in its place, and the reason; one that counts from where it likes ignores it.
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
  /** Change id of the disk as it is now. */
  readonly changeId: string;
  /** Change id from which the areas count; null where they count from nothing. */
  readonly since: string | null;
  readonly areas: readonly { readonly offset: number; readonly length: number }[];
  /** Why the areas do not count from the change id that was asked for: "change tracking was reset (…)". */
  readonly reason?: string | undefined;
}
