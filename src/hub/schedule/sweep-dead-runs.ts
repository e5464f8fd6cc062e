import type { HubLog } from '../hub-log.ts';
import type { DeadRuns } from '../../state/runs/dead-runs.ts';

export interface Sweep {
  dead(): DeadRuns;
  /** Cleans up after all of them, in a process of its own. */
  recover(): void;
  readonly log: Pick<HubLog, 'info'>;
  /** Of the clock that nobody sets, ms. */
  now(): number;
}

const pauses = { first: 60_000, last: 3_600_000 };

/**
 * Decides at each call whether there is something to clean up after runs that died, whoever began them: at once after a
 * fresh one, and again and again after one that could not be cleaned up, at growing intervals.
 */
export function sweepDeadRuns({ dead, recover, log, now }: Sweep): () => void {
  let pause = pauses.first;
  let next = 0;
  return () => {
    const { fresh, unclean } = dead();
    if (unclean.length === 0) pause = pauses.first;
    if (fresh.length === 0 && (unclean.length === 0 || now() < next)) return;
    log.info({ runs: [...fresh, ...unclean] }, 'runs died, and what they left is cleaned up');
    if (fresh.length === 0) pause = Math.min(2 * pause, pauses.last);
    next = now() + pause;
    recover();
  };
}
