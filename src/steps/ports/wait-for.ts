import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';

export interface WaitOptions {
  /** The error that is worth waiting for. */
  readonly code: ErrorCode;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  onWait(message: string): void;
}

/** Calls `attempt` until it succeeds, fails otherwise than with `code`, or `waitMs` have passed. */
export async function waitFor<T>(attempt: () => Promise<T>, options: WaitOptions): Promise<T> {
  const end = performance.now() + options.waitMs;
  for (let round = 0; ; round++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof SendenseError && error.code === options.code) || performance.now() >= end) throw error;
      if (round === 0) options.onWait(`${error.message}; waiting up to ${Math.round(options.waitMs / 1000)} s`);
      // Not in step with others who wait: each takes what is free for a moment, to look at it.
      const pause = Math.min(500 + Math.random() * 500, Math.max(10, end - performance.now()));
      await delay(pause, undefined, { signal: options.signal }).catch(() => options.signal.throwIfAborted());
    }
  }
}
