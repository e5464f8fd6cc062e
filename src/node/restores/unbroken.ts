import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { oneAtATime } from '../../host/system/one-at-a-time.ts';

/** What a caller who goes away does not break off. */
export interface Unbroken extends AsyncDisposable {
  /**
   * Work at a vCenter goes on to its end once it has begun: a task whose caller is gone goes on in vSphere anyway, and the next call
   * would meet it. Work of one name happens one after the other, so that a caller who asks again finds what the first call has done.
   * @param caller aborts work that has not begun
   */
  act<T>(name: string, caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Whether work of the name has not ended. */
  isGoing(name: string): boolean;
  /** Waits until the work of the name that is there has ended, and no longer than so long. @returns whether it has */
  isOver(name: string, withinMs: number, signal?: AbortSignal): Promise<boolean>;
}

/** Its work is cancelled when this is disposed of. */
export function unbroken(): Unbroken {
  const alone = oneAtATime();
  const ending = new AbortController();
  const going = new Map<Promise<unknown>, string>();
  return {
    async act(name, caller, work) {
      const acting = alone(name, async () => {
        for (const signal of [caller, ending.signal]) signal.throwIfAborted();
        return work(ending.signal);
      });
      going.set(acting, name);
      return acting.finally(() => going.delete(acting));
    },
    isGoing: (name) => [...going.values()].includes(name),
    async isOver(name, withinMs, signal) {
      const left = [...going].filter(([, one]) => one === name).map(([acting]) => acting);
      if (left.length === 0) return true;
      const over = new AbortController();
      const limit = AbortSignal.any([over.signal, ...(signal ? [signal] : [])]);
      try {
        const late = delay(withinMs, false, { signal: limit }).catch(() => false);
        return await Promise.race([Promise.allSettled(left).then(() => true), late]);
      } finally {
        over.abort();
      }
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new SendenseError('job.cancelled', 'the node ends'));
      await Promise.allSettled(going.keys());
    },
  };
}
