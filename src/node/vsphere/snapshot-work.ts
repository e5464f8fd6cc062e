import type { LeftBehind } from '../../schemas/types.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';

/** What every part of the work on snapshots needs. */
export interface SnapshotWork {
  readonly vsphere: Vsphere;
  readonly vm: Moref;
  readonly signal?: AbortSignal | undefined;
  /** One sentence for the job's log. */
  readonly log: (message: string) => void;
  /** One sentence for the job's warnings. */
  readonly warn: (message: string) => void;
  /** A snapshot of ours that stays: what it is called, and why. */
  readonly left?: ((what: LeftBehind) => void) | undefined;
  readonly times?: Partial<SnapshotTimes> | undefined;
}

/** All in ms. */
export interface SnapshotTimes {
  /** How long other work on the VM is waited for. */
  readonly idle: number;
  /** Between two looks at it. */
  readonly look: number;
  readonly create: number;
  /** A snapshot that grew for days takes hours to remove. */
  readonly remove: number;
  /** How long a failing removal is tried again, from its first failure. */
  readonly retry: number;
  /** Before the first new attempt; doubled each time, up to a minute. */
  readonly delay: number;
}

const defaults: SnapshotTimes = {
  idle: 10 * 60_000,
  look: 2_000,
  create: 30 * 60_000,
  remove: 12 * 3_600_000,
  retry: 5 * 60_000,
  delay: 1_000,
};

export const timesOf = (work: Pick<SnapshotWork, 'times'>): SnapshotTimes => ({ ...defaults, ...work.times });
