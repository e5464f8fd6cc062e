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
  /** Resolves when the work of the name that has begun is over. */
  ended(name: string): Promise<void>;
}

/** Its work is cancelled when this is disposed of. */
export function unbroken(): Unbroken {
  const alone = oneAtATime();
  const ending = new AbortController();
  const going = new Set<Promise<unknown>>();
  return {
    async act(name, caller, work) {
      const acting = alone(name, async () => {
        for (const signal of [caller, ending.signal]) signal.throwIfAborted();
        return work(ending.signal);
      });
      going.add(acting);
      return acting.finally(() => going.delete(acting));
    },
    ended: (name) => alone(name, async () => undefined),
    async [Symbol.asyncDispose]() {
      ending.abort(new SendenseError('job.cancelled', 'the node ends'));
      await Promise.allSettled(going);
    },
  };
}
