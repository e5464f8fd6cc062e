import { setTimeout as delay } from 'node:timers/promises';
import type { Pace } from './pacer.ts';

/** What was not used is made up for at most so long: timers come late, but a pause must not end in a rush. */
const burstMs = 100;
const blockBytes = 65_536;
const mostBytes = 1024 * 1024;

/** A token bucket: resolves when so many bytes may go. Whoever asks first is served first; aborting ends the wait at once. */
export function createRateLimit(bytesPerSecond: number): Pace {
  let free = Number.NEGATIVE_INFINITY;
  return async (bytes, signal) => {
    signal.throwIfAborted();
    const now = performance.now();
    const start = Math.max(free, now - burstMs);
    free = start + (bytes / bytesPerSecond) * 1000;
    if (start <= now) return;
    await delay(start - now, undefined, { signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error;
    });
  };
}

/** How fast one disk may be read. */
export interface DiskPace {
  readonly pace: Pace;
  /** Most bytes to ask for at a time: about a tenth of a second's worth, whole blocks. */
  readonly paceBytes: number;
}

/** Bytes per second of each disk and of all disks of a job; null: no limit. Called once per job; the answer once per disk. */
export function createJobPace(limits: {
  readonly diskRate: number | null;
  readonly jobRate: number | null;
}): () => DiskPace | null {
  const { diskRate, jobRate } = limits;
  const job = jobRate === null ? null : createRateLimit(jobRate);
  return () => {
    if (diskRate === null && job === null) return null;
    const disk = diskRate === null ? null : createRateLimit(diskRate);
    const rate = Math.min(diskRate ?? Infinity, jobRate ?? Infinity);
    const blocks = Math.floor(rate / 10 / blockBytes);
    return {
      // One after the other: a disk that its own limit holds back must not take from the job's share in advance.
      pace: async (bytes, signal) => {
        await disk?.(bytes, signal);
        await job?.(bytes, signal);
      },
      paceBytes: Math.min(mostBytes, Math.max(1, blocks) * blockBytes),
    };
  };
}
