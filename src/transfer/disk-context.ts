import type { DiskPace } from '../blocks/rate-limit.ts';
import type { LinkEvent, LinkOptions } from '../host/nbd/nbd-lasting.ts';
import type { JobDisk } from '../schemas/types.ts';
import type { DiskJob } from './disk-jobs.ts';
import type { PreviousIndex } from './previous-index.ts';
import type { OpenDisk } from '../sources/open-source.ts';

/** What one disk's transfer acts with. */
export interface DiskContext {
  readonly job: DiskJob;
  readonly disk: OpenDisk;
  /** Bytes; equal on both sides. */
  readonly capacity: number;
  readonly previous: PreviousIndex | null;
  /** Where the new block index goes. */
  readonly indexPath: string;
  readonly socketFolder: string;
  readonly tuning: { readonly connections: number; readonly requests: number };
  /** How fast the disk may be read; null: as fast as it goes. */
  readonly limit: DiskPace | null;
  /** How to hold on to the target. */
  readonly link: LinkOptions;
  /** Told when a connection to the target breaks, and when it is there again. */
  onLink(event: LinkEvent): void;
  report(facts: Partial<Omit<JobDisk, 'key'>>): void;
  readonly signal: AbortSignal;
}

/** What a method found out. */
export interface Copied {
  /** What the areas or blocks cover that were brought up to date, whatever they hold. */
  readonly bytesTransferred: number;
  /** Data that was read from the source, each byte once; holes are known, not read. */
  readonly bytesRead: number;
  /** The source was read in one pass, by this process alone. */
  readonly readOnce?: boolean;
  /** Data that was written to the target; zeros are told, not sent. */
  readonly bytesSent: number;
  readonly changeId: string;
  readonly root: string;
  readonly indexBytes: number;
  readonly indexSha256: string;
}
