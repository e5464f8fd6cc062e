import { hostname } from 'node:os';
import type { HubTimetable, Settings, TimetablePlan } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { lastDurations } from '../../state/runs/last-durations.ts';
import { listSchedules, type ScheduleRecord } from '../../state/schedules/schedules.ts';
import { newestSlotsOfPlans, type ShortSlot } from '../../state/schedules/slots-of-plans.ts';
import type { Sees, TimetableRequest } from '../pages/pages.ts';
import { blackoutAt, jitterOf, rulesOf, type ScheduleRules } from '../schedule/schedule-rules.ts';
import { nextSlot, slotsBetween } from '../schedule/slots.ts';
import { blackoutSpans } from './blackout-spans.ts';
import { conflictsOf, type Begins } from './conflicts.ts';

/** Slots of a plan that are told; each of the past, and of the future. */
const mostSlots = 100;

export interface TimetableOptions {
  readonly state: State;
  readonly limits: Settings['limits'];
}

interface Planned {
  readonly record: ScheduleRecord;
  readonly rules: ScheduleRules | null;
  readonly coming: Coming;
}

interface Coming {
  readonly begins: readonly number[];
  readonly hindered: readonly number[];
  readonly next: number | null;
  readonly more: boolean;
}

/** What schedules began, will begin, and may not begin in a span of time. */
export function timetable(
  { state, limits }: TimetableOptions,
  { from, to, sees }: TimetableRequest,
): Omit<HubTimetable, 'version'> {
  return state.reading(() => {
    const now = Date.now();
    const records = listSchedules(state).filter(({ removed, facts }) => removed === null && seen(sees, facts?.vm));
    const names = records.map(({ plan }) => plan);
    const past = newestSlotsOfPlans(state, names, { from, to: Math.min(to, now + 1), most: mostSlots });
    const takes = lastDurations(state, names);
    const slots = slotsOnce(Math.max(now, from - dayMs), to);
    const planned = records.map((record): Planned => {
      const rules = record.facts && rulesOf(record.facts.schedule);
      return { record, rules, coming: comingOf(record, rules, { now, from, to, slots }) };
    });
    return {
      from,
      to,
      plans: planned.map((one) => describe(one, past.get(one.record.plan) ?? [], takes.get(one.record.plan) ?? null)),
      blackouts: blackoutSpans(
        planned.flatMap(({ rules }) => (rules?.enabled ? [rules] : [])),
        from,
        to,
      ),
      conflicts: conflictsOf(
        planned.flatMap((one) => beginsOf(one, takes)),
        sees ? {} : limits,
      ),
    };
  });
}

const dayMs = 86_400_000;

/** Who may know of some VMs only is not told of plans about several. */
const seen = (sees: Sees, vm: string | undefined): boolean => sees === undefined || (vm !== undefined && sees(vm));

type SlotsOf = (rules: ScheduleRules) => readonly number[];

/** Many plans have the same times. */
function slotsOnce(after: number, to: number): SlotsOf {
  const known = new Map<string, readonly number[]>();
  return (rules) => {
    const key = `${rules.cron} ${rules.timezone}`;
    const slots = known.get(key) ?? [...slotsBetween(rules, after, to).take(mostSlots + 1)];
    known.set(key, slots);
    return slots;
  };
}

const nothing: Coming = { begins: [], hindered: [], next: null, more: false };

function comingOf(
  { plan, paused }: ScheduleRecord,
  rules: ScheduleRules | null,
  {
    now,
    from,
    to,
    slots,
  }: { readonly now: number; readonly from: number; readonly to: number; readonly slots: SlotsOf },
): Coming {
  if (!rules?.enabled || paused !== null) return nothing;
  const jitter = jitterOf(plan, hostname(), rules.jitter);
  const all = slots(rules).map((slot) => slot + jitter);
  const begins = all.slice(0, mostSlots).filter((at) => at >= from && at < to && at >= now);
  const hindered = rules.blackout.length === 0 ? [] : begins.filter((at) => blackoutAt(rules, at) !== null);
  const first = from <= now && all[0] !== undefined ? all[0] - jitter : nextSlot(rules, now);
  return {
    begins: hindered.length === 0 ? begins : begins.filter((at) => !hindered.includes(at)),
    hindered,
    next: first === null ? null : first + jitter,
    more: all.length > mostSlots,
  };
}

function describe(
  { record: { plan, facts, paused, pauseReason, error }, rules, coming }: Planned,
  past: readonly ShortSlot[],
  takes: number | null,
): TimetablePlan {
  return {
    plan,
    kind: facts?.kind ?? null,
    vm: facts?.vm ?? null,
    cron: rules?.cron ?? null,
    timezone: rules?.timezone ?? null,
    enabled: rules?.enabled ?? false,
    paused: paused === null ? null : { since: paused, reason: pauseReason ?? '' },
    error: error?.message ?? null,
    next: coming.next,
    takes,
    past: past.map(({ slot, state, run }) => ({ at: slot, state, ...(run === null ? {} : { run }) })),
    coming: [...coming.begins],
    hindered: [...coming.hindered],
    more: coming.more || past.length >= mostSlots,
  };
}

const beginsOf = (
  { record: { plan, facts }, coming }: Planned,
  takes: ReadonlyMap<string, number>,
): readonly Begins[] =>
  facts
    ? coming.begins.map((at) => ({
        plan,
        at,
        until: at + (takes.get(plan) ?? 0),
        lock: facts.lock,
        node: facts.node,
        repository: facts.repository,
      }))
    : [];
