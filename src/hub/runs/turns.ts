import { SendenseError } from '../../errors/sendense-error.ts';

/** Lets a few go on at a time, and of one asker fewer. Others wait for their turn, in their order. */
export interface Turns {
  /**
   * The turn ends when it is disposed of.
   * @param by who asks: all of them have their share
   * @throws SendenseError `node.limited` where it did not come in time; the reason of the signal
   */
  take(by: string, signal: AbortSignal): Promise<Disposable>;
}

export interface TurnsOptions {
  readonly most: number;
  readonly mostOfOne: number;
  readonly withinMs: number;
}

export function createTurns({ most, mostOfOne, withinMs }: TurnsOptions): Turns {
  /** Who asks, by what begins the turn of each. */
  const waiting = new Map<() => void, string>();
  /** Turns that go on, by who asked. */
  const taken = new Map<string, number>();
  let all = 0;
  const change = (by: string, more: 1 | -1): void => {
    all += more;
    const own = (taken.get(by) ?? 0) + more;
    if (own === 0) taken.delete(by);
    else taken.set(by, own);
  };
  const isFree = (by: string): boolean => all < most && (taken.get(by) ?? 0) < mostOfOne;
  const beginNext = (): void => {
    for (const [begin, by] of waiting) if (isFree(by)) return begin();
  };
  const turn = (by: string): Disposable => {
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        change(by, -1);
        beginNext();
      },
    };
  };
  return {
    async take(by, signal) {
      signal.throwIfAborted();
      if (isFree(by)) {
        change(by, 1);
        return turn(by);
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const begin = (): void => {
        waiting.delete(begin);
        change(by, 1);
        resolve();
      };
      const giveUp = (reason: unknown): void => {
        if (waiting.delete(begin)) reject(reason as Error);
      };
      const leave = (): void => giveUp(signal.reason);
      const timer = setTimeout(
        () =>
          giveUp(tooMany(all < most ? `${mostOfOne} requests of yours` : `${most} requests of this kind`, withinMs)),
        withinMs,
      );
      waiting.set(begin, by);
      signal.addEventListener('abort', leave, { once: true });
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
      }
      return turn(by);
    },
  };
}

const tooMany = (which: string, waitedMs: number): SendenseError =>
  new SendenseError('node.limited', `${which} go on, and none ended in ${waitedMs / 1000} s`, {
    remedy: 'Try again when one of them has ended.',
    details: { retrySeconds: 10 },
  });
