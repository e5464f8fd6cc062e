import type { Extent } from '../blocks/extents.ts';
import type { SendenseError } from '../errors/sendense-error.ts';
import type { LeftBehind, NotProtected, SnapshotFacts } from '../schemas/types.ts';

/**
 * What the transfer needs of a source: one consistent view of all disks. `src/node/sources/` implements it and the client's
 * command line hands it over, because siblings do not import each other. Offsets and sizes in bytes.
 */
export interface TransferSource extends AsyncDisposable {
  readonly keys: readonly string[];
  /** What the job's status says of the source; absent where there is nothing to say. */
  readonly facts?: TransferFacts | undefined;
  disk(key: string, signal?: AbortSignal): Promise<TransferDisk>;
}

export interface TransferFacts {
  readonly snapshot: SnapshotFacts | null;
  /** The VM's configuration, put into the job's folder as `vm-config.json`. */
  readonly vmConfig: { readonly bytes: number; readonly sha256: string } | null;
  /** The VM's disks that are not in this backup, and why. */
  readonly notProtected: readonly NotProtected[];
}

/** What a source acts with. Closing it may warn, too. */
export interface OpenSourceOptions {
  readonly jobFolder: string;
  readonly socketFolder: string;
  readonly signal: AbortSignal;
  warn(message: string): void;
  log(message: string): void;
  /** What goes on while no bytes move; null: nothing special. Its being there tells that the job lives. */
  activity(what: string | null): void;
  /** Something of ours stays at the source. */
  left(what: LeftBehind): void;
}

export interface TransferDisk extends AsyncDisposable {
  readonly uri: string;
  readonly rawFile?: string | undefined;
  readonly warnings: readonly string[];
  /** Reading is expensive: every byte is read at most once, in one pass that hashes and writes it. */
  readonly readOnce?: boolean | undefined;
  /** What one read is best made of, bytes. Default 1 MiB. */
  readonly requestBytes?: number | undefined;
  /** Connections that the export bears at a time; 1 for one that answers one request after the other anyway. Default 3. */
  readonly connections?: number | undefined;
  bytesRead(): number | null;
  /** Why the last read failed, in plain words. */
  lastError?(): string | null;
  /** What was read may not be the disk. */
  lastFault?(): SendenseError | null;
  /** For a full: what may hold data; the rest reads as zeros and is not read. Absent or null: everything is read. */
  allocated?(capacity: number): Promise<readonly Extent[] | null>;
  changes(capacity: number, since: string | null): Promise<TransferChanges | null>;
  assertUnchanged(bytesRead?: number): Promise<void>;
}

export interface TransferChanges {
  readonly changeId: string;
  readonly since: string | null;
  readonly areas: readonly Extent[];
  /** Why the areas do not count from the landmark that was asked for. */
  readonly reason?: string | undefined;
}
