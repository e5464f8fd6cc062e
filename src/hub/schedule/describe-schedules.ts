import type { NextSlotsOutput, ScheduleOutput, SchedulesOutput, SlotOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { duplicatePlans } from '../../state/schedules/duplicate-plans.ts';
import { findSlot, newestDecided, type SlotRecord } from '../../state/schedules/schedule-slots.ts';
import {
  findSchedule,
  listSchedules,
  type ScheduledPlan,
  type ScheduleRecord,
} from '../../state/schedules/schedules.ts';
import { blackoutAt, jitterOf, rulesOf } from './schedule-rules.ts';
import { slotsBetween } from './slots.ts';
import { upcomingSlot } from './upcoming-slot.ts';

export interface DescribeOptions {
  /** Whose jitter is shown. */
  readonly host: string;
  readonly now: number;
  /** Only this one. */
  readonly plan?: string;
}

export function describeSchedules(state: State, { host, now, plan }: DescribeOptions): SchedulesOutput {
  const record = plan === undefined ? undefined : findSchedule(state, plan);
  const records = plan === undefined ? listSchedules(state) : record ? [record] : [];
  const shown = records.filter(({ removed }) => removed === null);
  const newest = newestDecided(
    state,
    shown.map((entry) => entry.plan),
    now,
  );
  return {
    version: 1,
    schedules: shown.map((entry) => describe(state, entry, { host, now, newest })),
    duplicates: duplicatePlans(state).filter((entry) => plan === undefined || entry.plan === plan),
  };
}

function describe(
  state: State,
  record: ScheduleRecord,
  { host, now, newest }: { host: string; now: number; newest: ReadonlyMap<string, number> },
): ScheduleOutput {
  const { plan, file, facts, paused, pauseReason, failures, error } = record;
  const rules = facts && rulesOf(facts.schedule);
  const next = rules?.enabled && paused === null ? upcomingSlot(rules, now) : null;
  const slot = newest.get(plan);
  const last = slot === undefined ? undefined : findSlot(state, plan, slot);
  return {
    plan,
    kind: facts?.kind ?? null,
    vm: facts?.vm ?? null,
    file,
    cron: rules?.cron ?? null,
    timezone: rules?.timezone ?? null,
    enabled: rules?.enabled ?? false,
    next,
    begins: next === null || !rules ? null : next + jitterOf(plan, host, rules.jitter),
    paused: paused === null ? null : { since: paused, reason: pauseReason ?? '' },
    failures,
    error,
    last: last ? slotOutput(last) : null,
  };
}

export const slotOutput = ({ plan, slot, state, reason, trigger, runId, decided }: SlotRecord): SlotOutput => ({
  plan,
  slot,
  state,
  reason,
  trigger,
  run_id: runId,
  decided,
});

export interface NextOptions {
  readonly host: string;
  readonly now: number;
  readonly count: number;
  /** Default: every one that is scheduled and not paused. */
  readonly plans?: readonly { readonly plan: string; readonly facts: ScheduledPlan }[] | undefined;
}

/** The next slots of all plans, in the order in which they begin. */
export function nextOf(state: State, { host, now, count, plans }: NextOptions): NextSlotsOutput['slots'] {
  const wanted = plans ?? listSchedules(state).filter(({ removed, paused }) => removed === null && paused === null);
  const slots = wanted.flatMap(({ plan, facts }) => {
    if (!facts) return [];
    const rules = rulesOf(facts.schedule);
    if (!rules.enabled) return [];
    const offset = jitterOf(plan, host, rules.jitter);
    const { timezone } = rules;
    return slotsBetween(rules, now, Infinity)
      .take(count)
      .map((slot) => ({ plan, slot, begins: slot + offset, timezone, blackout: blackoutAt(rules, slot + offset) }))
      .toArray();
  });
  return slots.toSorted((a, b) => a.begins - b.begins || (a.plan < b.plan ? -1 : 1)).slice(0, count);
}
