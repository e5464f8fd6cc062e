import { SendenseError } from '../../errors/sendense-error.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import type { State } from '../../state/database/open-state.ts';
import { changeSlot } from '../../state/schedules/schedule-slots.ts';

/** A slot that was claimed for a run. */
export interface SlotKey {
  readonly plan: string;
  readonly slot: number;
  readonly runId: string;
}

/**
 * This process takes over the slot from whoever claimed it for its run, as the last thing before the run begins. A slot that
 * was given up meanwhile, because the daemon died, is for another run.
 * @throws SendenseError `schedule.slot-taken`
 */
export function takeSlot(state: State, key: SlotKey): void {
  if (changeSlot(state, key, 'claimed', { state: 'running', owner: thisProcess() })) return;
  const when = new Date(key.slot).toISOString();
  throw new SendenseError(
    'schedule.slot-taken',
    `the slot ${when} of ${key.plan} is not for run ${key.runId} any more`,
  );
}
