import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { faultOf } from './fault.ts';

const attempts = 4;
const longestPause = 100;

export interface Patience {
  readonly signal?: AbortSignal | undefined;
  /** Before the first new attempt, ms; four times as long before each further one, up to 100 times. */
  readonly pauseMs: number;
  /** How often a server that cannot be reached is asked. Default 4: 4 s with pauses of 200 ms. */
  readonly attempts?: number;
  /** Also where an answer came that is none, up to three times: the server is known to be a vCenter. Default: no. */
  readonly garbled?: boolean;
}

/** A server that was there a moment ago is restarted, or fails over: about a minute with pauses of 200 ms. */
export const aboutAMinute = 7;

/** Whether something was answered that no vCenter says. */
export const isGarbled = (error: unknown): boolean =>
  error instanceof SendenseError && error.code === 'vsphere.protocol' && error.details?.['garbled'] === true;

/** Asks again where the server could not be reached: only for what may be asked twice. */
export async function patiently<T>(ask: () => Promise<T>, how: Patience): Promise<T> {
  const { signal, pauseMs, attempts: most = attempts, garbled = false } = how;
  for (let attempt = 1, pause = pauseMs; ; attempt++, pause = Math.min(pause * 4, pauseMs * longestPause)) {
    try {
      return await ask();
    } catch (error) {
      signal?.throwIfAborted();
      const mayPass = error instanceof SendenseError && error.code === 'vsphere.unreachable' && !faultOf(error);
      if (!(mayPass && attempt < most) && !(garbled && isGarbled(error) && attempt < attempts)) throw error;
    }
    await delay(pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}
