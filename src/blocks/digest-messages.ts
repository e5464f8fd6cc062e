import type { ErrorCode } from '../errors/catalogue.ts';
import type { Extent } from './extents.ts';

/** What a worker is told once, when it starts. */
export interface WorkerStart {
  readonly uri: string;
  /** Read this raw file of the same content instead of the export. */
  readonly file?: string | undefined;
}

/** Read these extents, which start at block boundaries, and answer with the digests of their blocks. */
export interface DigestTask {
  readonly id: number;
  readonly extents: readonly Extent[];
}

/** Digests as `DigestLanes.digest` gives them, or why there are none. */
export type WorkerAnswer =
  | { readonly id: number; readonly digests: Uint8Array<ArrayBuffer> }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };
