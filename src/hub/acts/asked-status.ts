import { isRunning, thisPlace } from '../../host/programs/process-identity.ts';
import type { RunRecord } from '../../state/runs/runs.ts';

/** How far it is with a backup or restore, for who has asked for it. What was undone, and what broke off, has failed. */
export function askedStatus(run: RunRecord): 'running' | 'complete' | 'cancelled' | 'failed' {
  const { finished, status } = run;
  if (finished === null) return isLost(run) ? 'failed' : 'running';
  if (status === 'succeeded') return 'complete';
  return status === 'cancelled' ? 'cancelled' : 'failed';
}

/** Its process was killed; `recover` cleans up after it. Of another machine or container nobody here can say so. */
const isLost = ({ owner, ownerPlace }: RunRecord): boolean =>
  (ownerPlace === null || ownerPlace === thisPlace()) && !isRunning(owner);
