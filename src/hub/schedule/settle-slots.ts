import type { State } from '../../state/open-state.ts';
import type { IsRunning } from '../../state/locks.ts';
import { raiseNotice } from '../../state/notices.ts';
import { findRun, type RunRecord } from '../../state/runs.ts';
import { changeSlot, listSlots, openStates, type SlotRecord, type SlotState } from '../../state/schedule-slots.ts';
import { countFailure, findSchedule, pauseSchedule } from '../../state/schedules.ts';
import { rulesOf } from './schedule-rules.ts';

export interface Settled {
  /** Slots whose run has ended since. */
  readonly ended: readonly SlotRecord[];
  /** Slots that a daemon held which died before their run began: missed now. */
  readonly lost: readonly SlotRecord[];
  /** A run's process died; what it left is cleaned up by a recovery. */
  readonly crashed: boolean;
}

/**
 * Brings open slots up to what became of their runs, whoever ran them and whether or not the daemon that began them still
 * lives. Any process may do so at any time; each slot is ended once. Slots that a dead daemon held are given up where
 * `isMine` says that the caller will see to them.
 */
export function settleSlots(
  state: State,
  isRunning: IsRunning,
  now: number,
  isMine: (plan: string) => boolean = () => false,
): Settled {
  const ended: SlotRecord[] = [];
  const lost: SlotRecord[] = [];
  let crashed = false;
  for (const slot of listSlots(state, { states: openStates })) {
    const run = slot.runId === null ? undefined : findRun(state, slot.runId);
    const alive = slot.owner !== null && isRunning(slot.owner);
    if (run?.finished != null) {
      if (endSlot(state, slot, endOf(run), now)) ended.push(slot);
    } else if (run) {
      if (!isRunning(run.owner)) crashed = true;
    } else if (!alive && slot.state === 'running') {
      const reason = 'its process ended before the run began';
      if (endSlot(state, slot, { state: 'failed', reason }, now)) ended.push(slot);
    } else if (!alive && isMine(slot.plan)) {
      const reason = 'the daemon ended before the run began';
      if (changeSlot(state, slot, slot.state, { state: 'missed', reason }, now))
        lost.push({ ...slot, state: 'missed' });
    }
  }
  return { ended, lost, crashed };
}

interface SlotEnd {
  readonly state: SlotState;
  readonly reason: string | null;
}

function endOf(run: RunRecord): SlotEnd {
  const state = run.status === 'running' || run.status === 'unwinding' ? 'crashed' : run.status;
  return { state, reason: run.error?.message ?? null };
}

/** Ends an open slot, once; after as many failures as its plan says, that pauses the plan. False: another process was first. */
export const endSlot = (state: State, slot: SlotRecord, end: SlotEnd, now: number): boolean =>
  state.transaction(() => {
    if (!changeSlot(state, slot, slot.state, end, now)) return false;
    if (end.state === 'failed' || end.state === 'crashed') failed(state, slot, now);
    else if (end.state === 'succeeded') countFailure(state, slot.plan, false);
    return true;
  });

function failed(state: State, { plan, runId }: SlotRecord, now: number): void {
  const failures = countFailure(state, plan, true);
  const schedule = findSchedule(state, plan);
  const limit = schedule?.facts ? rulesOf(schedule.facts.schedule).pauseAfter : null;
  if (limit === null || failures < limit || schedule?.paused != null) return;
  const reason = failures === 1 ? 'its run failed' : `its last ${failures} runs failed`;
  pauseSchedule(state, plan, reason, now);
  const message = `the schedule of ${plan} is paused: ${reason}`;
  raiseNotice(state, { event: 'paused', plan, runId, message, details: { failures } }, now);
}
