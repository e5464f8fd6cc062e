import type { DiskInfo, Source as SourceSpec } from '../../schemas/types.ts';

/**
 * A kind of source: where disks are read. `image` reads disk images and block devices; `vsphere` fits the same shape:
 * `open` makes one snapshot of the VM, `disk` serves one of its disks, `changes` asks what changed, closing removes all.
 */
export interface Source<S extends SourceSpec = SourceSpec> {
  readonly type: S['type'];
  /** What disks there are; changes nothing. @throws SendenseError `source.*`, with the field in `details.field` */
  discover(spec: S, options: { readonly signal?: AbortSignal | undefined }): Promise<DiscoveredDisks>;
  /** One consistent view of all disks, for as long as it is open. */
  open(spec: S, options: OpenOptions): Promise<OpenSource>;
}

export interface DiscoveredDisks {
  readonly disks: DiskInfo[];
  readonly warnings: string[];
}

export interface OpenOptions {
  /** Folder of the job, for pid files; of any length. */
  readonly jobFolder: string;
  /** Folder of the job for sockets, short enough for them. Both exist. */
  readonly socketFolder: string;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenSource extends AsyncDisposable {
  /** Keys of all disks, in order. */
  readonly keys: readonly string[];
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
  /** What the source says changed; null where nothing keeps track. `capacity` in bytes, as served. */
  changes(capacity: number): Promise<DiskChanges | null>;
  /** @throws SendenseError `source.changed` where the disk changed since it was opened, as far as that can be told */
  assertUnchanged(): Promise<void>;
}

/** Offsets and lengths in bytes: ascending, not overlapping, within the capacity. */
export interface DiskChanges {
  /** Landmark of the disk as it is now. */
  readonly changeId: string;
  /** Landmark from which the areas count; null where they count from nothing. */
  readonly since: string | null;
  readonly areas: readonly { readonly offset: number; readonly length: number }[];
}
