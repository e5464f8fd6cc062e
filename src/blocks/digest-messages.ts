import type { ErrorCode } from '../errors/catalogue.ts';
import type { LinkEvent, LinkOptions } from '../host/nbd/nbd-lasting.ts';
import type { ExportFacts } from '../host/nbd/nbd-protocol.ts';
import type { Extent } from './extents.ts';
import type { SameWork } from './same-bytes.ts';

/** What a worker is told once, when it starts: neither `uri` nor `file` where each work names its file. */
export interface WorkerStart {
  readonly uri?: string | undefined;
  /** Read this raw file of the same content instead of the export. */
  readonly file?: string | undefined;
  /** NBD URI to write to what tasks say is to be written. */
  readonly to?: string | undefined;
  /** How to hold on to `to`. */
  readonly link?: LinkOptions | undefined;
  /** The server of `to` as a first connection found it, and with which of its addresses each of ours begins. Default: one connection. */
  readonly beside?: { readonly server: ExportFacts; readonly nths: readonly number[] } | undefined;
  /** Of one read, bytes. Default 1 MiB. */
  readonly requestBytes?: number | undefined;
  /** Let other work of the machine go first. */
  readonly background?: boolean | undefined;
}

/**
 * What of the blocks that are read is written. data: those that are not zeros, for a target that reads as zeros. all:
 * every block, zeros too, so that they hide what a parent holds. changed: blocks whose digest is not the expected one.
 */
export type WriteRule = 'data' | 'all' | 'changed';

/** Read these extents, which start at block boundaries, and answer with the digests of their blocks. */
export interface DigestWork {
  /** Read from this raw file, absolute path. Default: what the pool was made for. */
  readonly file?: string | undefined;
  readonly extents: readonly Extent[];
  /** Default: nothing is written. */
  readonly write?: WriteRule | undefined;
  /** With `changed`: the digests that the blocks had, in order; zeros for a block of zeros. */
  readonly expected?: Uint8Array | undefined;
}

export interface DigestDone {
  /** 32 bytes for each block, in order, zeros for a block of zeros. */
  readonly digests: Uint8Array<ArrayBuffer>;
  /** Zeros that were written count too. */
  readonly bytesWritten: number;
  /** Of these, without the zeros. */
  readonly bytesSent: number;
}

export type WorkerTask =
  | { readonly id: number; readonly work: DigestWork }
  | { readonly id: number; readonly same: SameWork }
  /** What was written before is to be on stable storage. Answered like a task without extents. */
  | { readonly id: number; readonly flush: true };

/** The end of a task, or how far it is (bytes that were dealt with since the last time), or why the worker gives up. */
export type WorkerAnswer =
  | { readonly id: number; readonly done: DigestDone }
  | { readonly id: number; readonly equal: boolean }
  | { readonly id: number; readonly progress: number }
  /** Of the worker's connection to `to`. */
  | { readonly link: LinkEvent }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };
