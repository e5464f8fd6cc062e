import { SendenseError } from '../../errors/sendense-error.ts';

/** Lets a few go on at a time. Others wait for their turn, in their order. */
export interface Turns {
  /** The turn ends when it is disposed of. @throws SendenseError `node.limited` where it did not come in time; the reason of the signal */
  take(signal: AbortSignal): Promise<Disposable>;
}

export function createTurns({ most, withinMs }: { readonly most: number; readonly withinMs: number }): Turns {
  /** What begins the turn of each. */
  const waiting = new Set<() => void>();
  let taken = 0;
  const turn = (): Disposable => {
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        const [next] = waiting;
        if (next) next();
        else taken -= 1;
      },
    };
  };
  return {
    async take(signal) {
      signal.throwIfAborted();
      if (taken < most) {
        taken += 1;
        return turn();
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const begin = (): void => {
        waiting.delete(begin);
        resolve();
      };
      const giveUp = (reason: unknown): void => {
        if (waiting.delete(begin)) reject(reason as Error);
      };
      const leave = (): void => giveUp(signal.reason);
      const timer = setTimeout(() => giveUp(tooMany(most, withinMs)), withinMs);
      waiting.add(begin);
      signal.addEventListener('abort', leave, { once: true });
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
      }
      return turn();
    },
  };
}

const tooMany = (most: number, waitedMs: number): SendenseError =>
  new SendenseError('node.limited', `${most} requests of this kind go on, and none ended in ${waitedMs / 1000} s`, {
    remedy: 'Try again when one of them has ended.',
    details: { retrySeconds: 10 },
  });
