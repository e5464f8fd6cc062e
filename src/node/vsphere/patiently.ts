import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { faultOf } from './fault.ts';

const attempts = 4;

export interface Patience {
  readonly signal?: AbortSignal | undefined;
  /** Before the first new attempt, ms; four times as long before each further one. */
  readonly pauseMs: number;
}

/** Asks again where the server could not be reached, up to three times: only for what may be asked twice. */
export async function patiently<T>(ask: () => Promise<T>, { signal, pauseMs }: Patience): Promise<T> {
  for (let attempt = 1, pause = pauseMs; ; attempt++, pause *= 4) {
    try {
      return await ask();
    } catch (error) {
      signal?.throwIfAborted();
      const mayPass = error instanceof SendenseError && error.code === 'vsphere.unreachable' && !faultOf(error);
      if (attempt === attempts || !mayPass) throw error;
    }
    await delay(pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}
