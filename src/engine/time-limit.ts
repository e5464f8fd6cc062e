import type { SendenseError } from '../errors/sendense-error.ts';

export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
  /** Counts again from now. */
  restart(): void;
}

/** setTimeout takes no more (Node docs, "Timers"): 24.8 days. */
const longest = 2 ** 31 - 1;

/**
 * A signal that aborts with `reason()` after `ms`; undefined: never. Unlike AbortSignal.timeout it keeps the process
 * alive, so that a step that waits for nothing else still ends.
 */
export function timeLimit(ms: number | undefined, reason: () => SendenseError): TimeLimit {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const restart = (): void => {
    clearTimeout(timer);
    if (ms === undefined || controller.signal.aborted) return;
    timer = setTimeout(() => controller.abort(reason()), Math.min(ms, longest));
  };
  restart();
  return { signal: controller.signal, restart, [Symbol.dispose]: () => clearTimeout(timer) };
}
