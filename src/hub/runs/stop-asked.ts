import { cancelledBy } from '../../engine/install-signals.ts';
import type { State } from '../../state/database/open-state.ts';
import { stoppedBy } from '../../state/runs/runs.ts';

/** Between two looks, ms. */
const lookMs = 1000;

export interface StopAsked extends Disposable {
  /** Aborts once somebody has asked for the end of the run. */
  readonly signal: AbortSignal;
  /** The run has begun. */
  watch(runId: string): void;
}

/**
 * Looks whether somebody has asked for the end of a run (`cancel-run.ts`). They write it down: one process may run several, as that of a
 * group does, and a signal would be for all of them; and a second signal would end at once what cleans up already.
 */
export function stopAsked(state: State): StopAsked {
  const asked = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const look = (runId: string): void => {
    const who = whoAsked(state, runId);
    if (who === null) return;
    clearInterval(timer);
    asked.abort(cancelledBy(who));
  };
  return {
    signal: asked.signal,
    watch: (runId) => {
      clearInterval(timer);
      timer = setInterval(() => look(runId), lookMs).unref();
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** A database that is busy, or on a full disk, is asked again. */
function whoAsked(state: State, runId: string): string | null {
  try {
    return stoppedBy(state, runId);
  } catch {
    return null;
  }
}
