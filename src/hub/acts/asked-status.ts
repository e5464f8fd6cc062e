import type { RunRecord } from '../../state/runs/runs.ts';

/** How far it is with a backup or restore, for who has asked for it. What was undone, and what broke off, has failed. */
export function askedStatus({ finished, status }: RunRecord): 'running' | 'complete' | 'cancelled' | 'failed' {
  if (finished === null) return 'running';
  if (status === 'succeeded') return 'complete';
  return status === 'cancelled' ? 'cancelled' : 'failed';
}
