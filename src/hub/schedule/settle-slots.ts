import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import type { ErrorOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import type { IsRunning } from '../../state/runs/locks.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import { noticeOfUnbegun } from '../../state/runs/run-notices.ts';
import { findRun, type RunRecord } from '../../state/runs/runs.ts';
import { changeSlot, findSlot, listSlots, openStates, type SlotRecord } from '../../state/schedules/schedule-slots.ts';
import type { SlotState } from '../../state/schedules/slot-states.ts';
import { countFailure, findSchedule, pauseSchedule } from '../../state/schedules/schedules.ts';
import { rulesOf } from './schedule-rules.ts';
import type { SlotKey } from './take-slot.ts';

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
  /** Why its run could not begin, where that is known better than the reason says. */
  readonly error?: ErrorOutput | null;
}

function endOf(run: RunRecord): SlotEnd {
  const state = run.status === 'running' || run.status === 'unwinding' ? 'crashed' : run.status;
  return { state, reason: run.error?.message ?? null };
}

/**
 * Ends an open slot, once. A run that failed before it was in the journal is heard of by this; after as many failures as its
 * plan says, the plan is paused. False: another process was first.
 */
const endSlot = (state: State, slot: SlotRecord, end: SlotEnd, now: number): boolean =>
  state.transaction(() => {
    const { error, ...change } = end;
    if (!changeSlot(state, slot, slot.state, change, now)) return false;
    const begun = slot.runId !== null && findRun(state, slot.runId) !== undefined;
    if (end.state === 'failed' && !begun) noticeOfUnbegun(state, slot, error ?? unbegun(end.reason), now);
    if (end.state === 'failed' || end.state === 'crashed') failed(state, slot, now);
    else if (end.state === 'succeeded') countFailure(state, slot.plan, false);
    return true;
  });

/** Ends the slot of a run whose process has ended, unless the run began: then `settleSlots` knows how it went. */
export function endUnbegun(state: State, { plan, slot, runId }: SlotKey, error: ErrorOutput | null, now: number): void {
  const open = findSlot(state, plan, slot);
  if (open?.runId !== runId || (open.state !== 'claimed' && open.state !== 'running') || findRun(state, runId)) return;
  const reason = error?.message ?? 'its process ended before the run began';
  endSlot(state, open, { state: unbegunState(error), reason, error }, now);
}

function unbegunState(error: ErrorOutput | null): SlotState {
  if (error?.code === 'run.locked') return 'skipped';
  return error?.code === 'run.cancelled' ? 'cancelled' : 'failed';
}

const unbegun = (reason: string | null): ErrorOutput =>
  errorToJson(new SendenseError('run.crashed', reason ?? 'its run did not begin'));

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
