import { SendenseError } from '../../../errors/sendense-error.ts';

/** How long somebody waits for an answer. */
export interface Bounds {
  /** Nobody wants it any more. */
  readonly signal: AbortSignal;
  /** Longest silence, ms; null: whoever answers is on this machine, and either works or is gone. */
  readonly silenceMs: number | null;
}

/** What `ask` answers. Its signal aborts when nobody waits any more. @throws SendenseError `remote.unreachable` */
export async function bounded<T>({ signal, silenceMs }: Bounds, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const given = new AbortController();
  const late = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    late.reject(reason);
    given.abort(reason);
  };
  const aborted = (): void => end(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  const timer =
    silenceMs === null
      ? undefined
      : setTimeout(
          () => end(new SendenseError('remote.unreachable', `the hub has not answered for ${silenceMs / 1000} s`)),
          silenceMs,
        );
  try {
    return await Promise.race([ask(given.signal), late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
  }
}
