import { newRunId } from '../../engine/run-id.ts';
import { fits, occupancyOf, occupy, type AdmissionLimits } from '../../state/schedules/admission.ts';
import { listLocks, type IsRunning } from '../../state/runs/locks.ts';
import type { State } from '../../state/database/open-state.ts';
import { changeSlot, type SlotRecord } from '../../state/schedules/schedule-slots.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { busyPlans, pausedPlans, type BusyPlan } from './plan-conditions.ts';
import { blackoutAt, type ScheduleRules } from './schedule-rules.ts';

/** A slot whose run this daemon begins as soon as it may. */
export interface WaitingSlot extends SlotRecord {
  readonly lock: string | null;
  readonly rules: ScheduleRules;
}

export type ClaimedSlot = WaitingSlot & { readonly runId: string };

export interface ClaimRequest {
  readonly state: State;
  readonly self: ProcessIdentity;
  readonly isRunning: IsRunning;
  readonly limits: AdmissionLimits;
  readonly now: number;
  readonly waiting: readonly WaitingSlot[];
}

export interface ClaimAnswer {
  /** Their slots are claimed: the runs are to begin at once. */
  readonly begin: readonly ClaimedSlot[];
  readonly waiting: WaitingSlot[];
  /** Runs that are to make room for a waiting slot of the same plan. */
  readonly cancel: readonly BusyPlan[];
}

/**
 * Claims the slots whose runs may begin now, oldest slot first, in one transaction with the counting: two daemons never begin
 * more than the limits say. One that must wait holds up none that needs something else.
 */
export function claimWaiting({ state, self, isRunning, limits, now, waiting }: ClaimRequest): ClaimAnswer {
  if (waiting.length === 0) return { begin: [], waiting: [], cancel: [] };
  return state.transaction(() => {
    const begin: ClaimedSlot[] = [];
    const stay: WaitingSlot[] = [];
    const cancel: BusyPlan[] = [];
    const occupancy = occupancyOf(state);
    const busy = busyPlans(state, isRunning);
    const paused = pausedPlans(state);
    const locks = new Map(listLocks(state, isRunning).map((lock) => [lock.name, lock]));
    const taken = new Set<string>();

    const keep = (slot: WaitingSlot, reason: string): void => {
      // Written down once: what changes all the time is seen in the runs.
      if (slot.reason === null) changeSlot(state, slot, 'waiting', { state: 'waiting', reason }, slot.decided);
      stay.push({ ...slot, reason: slot.reason ?? reason });
    };
    const place = (slot: WaitingSlot): void => {
      const { plan, rules, lock } = slot;
      if (paused.has(plan)) {
        changeSlot(state, slot, 'waiting', { state: 'paused', reason: paused.get(plan) ?? null }, now);
        return;
      }
      const blackout = blackoutAt(rules, now);
      if (blackout !== null) return keep(slot, `waits for the end of: ${blackout}`);
      const before = busy.get(plan);
      if (before) {
        if (rules.overlap === 'cancel' && before.owner && mayBeCancelled(before)) cancel.push(before);
        return keep(slot, `waits for run ${before.runId} of the plan`);
      }
      if (lock !== null && taken.has(lock)) return keep(slot, 'waits for another run of its VM');
      const holder = lock === null ? undefined : locks.get(lock);
      if (holder?.alive) return keep(slot, `waits for run ${holder.runId}, which works on its VM`);
      const admission = slot.kind === 'group' ? { admitted: true as const } : fits(occupancy, slot, limits);
      if (!admission.admitted) return keep(slot, admission.reason);
      const runId = newRunId(now);
      // Somebody ended it meanwhile where this is false.
      if (!changeSlot(state, slot, 'waiting', { state: 'claimed', reason: null, runId, owner: self }, now)) return;
      if (slot.kind !== 'group') occupy(occupancy, slot);
      if (lock !== null) taken.add(lock);
      busy.set(plan, { plan, runId, trigger: slot.trigger, owner: null });
      begin.push({ ...slot, runId });
    };
    const bySlot = waiting.toSorted((a, b) => a.slot - b.slot || (a.plan < b.plan ? -1 : 1));
    for (const slot of bySlot) place(slot);
    return { begin, waiting: stay, cancel };
  });
}

/** What a person or a group began is theirs to stop. */
const mayBeCancelled = ({ trigger }: BusyPlan): boolean => trigger !== 'manual' && trigger !== 'group';
