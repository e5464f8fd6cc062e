import { hasEnded } from '../../host/programs/process-identity.ts';
import type { RunRecord } from '../../state/runs/runs.ts';

/** How far it is with a backup or restore, for who has asked for it. What was undone, and what broke off, has failed. */
export function askedStatus({
  finished,
  status,
  owner,
  ownerPlace,
}: RunRecord): 'running' | 'complete' | 'cancelled' | 'failed' {
  // One that was killed: `recover` cleans up after it.
  if (finished === null) return hasEnded(owner, ownerPlace) ? 'failed' : 'running';
  if (status === 'succeeded') return 'complete';
  return status === 'cancelled' ? 'cancelled' : 'failed';
}
