import { setTimeout as wait } from 'node:timers/promises';
import type { SendenseError } from '../errors/sendense-error.ts';
import type { RetryPolicy } from './pipeline.ts';

/**
 * How long to wait before the next attempt, in ms: doubled each time up to the policy's longest, with full jitter.
 * Null: not again. Only what the catalogue calls temporary is tried again.
 */
export function retryDelay(
  error: SendenseError,
  attempt: number,
  policy: RetryPolicy,
  random: () => number,
): number | null {
  if (error.entry.retry !== 'temporary' || attempt >= policy.attempts) return null;
  return Math.round(random() * Math.min(policy.maxDelay, policy.delay * 2 ** (attempt - 1)));
}

/** False where the signal aborted first. */
export const waitFor = (ms: number, signal: AbortSignal): Promise<boolean> =>
  wait(ms, true, { signal }).catch(() => false);
