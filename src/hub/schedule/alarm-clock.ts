import type { HubLog } from '../hub-log.ts';
import { longestSleep } from './scheduler.ts';

export interface AlarmClock extends Disposable {
  /** Decides now what is due, and sleeps until something is again. Nothing once it was stopped. Never throws. */
  ring(): void;
  stop(): void;
  isStopped(): boolean;
  /** Throws where nothing was decided for longer than it sleeps. */
  assertAwake(): void;
}

/** ms until what could not be decided is tried again. */
const againMs = 5000;
/** ms. It sleeps for less, {@link longestSleep}. */
const tooQuietMs = 120_000;

/** @param wake decides what is due, and answers when it wants to be called again, ms since the epoch */
export function createAlarmClock(wake: () => number, log: HubLog): AlarmClock {
  /** By a clock that nobody sets. */
  let lastWake = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function ring(): void {
    clearTimeout(timer);
    if (stopped) return;
    let next = Date.now() + againMs;
    try {
      next = wake();
      lastWake = performance.now();
    } catch (error) {
      log.error({ error: (error as Error).message }, 'what is due could not be decided; it is tried again');
    }
    if (Number.isFinite(next)) timer = setTimeout(ring, Math.min(Math.max(0, next - Date.now()), longestSleep));
  }

  const stop = (): void => {
    stopped = true;
    clearTimeout(timer);
  };
  return {
    ring,
    stop,
    isStopped: () => stopped,
    assertAwake: () => {
      const quiet = performance.now() - lastWake;
      if (!stopped && quiet > tooQuietMs) throw new Error(`nothing was decided for ${Math.round(quiet / 1000)} s`);
    },
    [Symbol.dispose]: stop,
  };
}
