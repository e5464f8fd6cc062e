import { SendenseError } from '../errors/sendense-error.ts';
import type { CancelSignals } from './run-options.ts';

export interface InstalledSignals extends CancelSignals, Disposable {}

/**
 * The first SIGINT or SIGTERM asks to stop and clean up, the second to return at once. For programs: the engine itself
 * never touches the process. Disposing gives the signals their default meaning back.
 */
export function installSignals(): InstalledSignals {
  const gently = new AbortController();
  const atOnce = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    const next = gently.signal.aborted ? atOnce : gently;
    next.abort(cancelledBy(name));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    gently: gently.signal,
    atOnce: atOnce.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** The error of a run that a signal (or a caller, who names itself) cancelled; SIGTERM exits 143, all else 130. */
export const cancelledBy = (signal: string): SendenseError =>
  new SendenseError('run.cancelled', `the run was cancelled by ${signal}`, { details: { signal } });
