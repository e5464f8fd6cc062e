import type { ErrorOutput, Schedule } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';
import type { SchedulesTable } from '../database/tables.ts';

/** What is known of a plan in force without reading its text. */
export interface ScheduledPlan {
  readonly kind: string;
  /** `*` where it is about several. */
  readonly vm: string;
  readonly node: string | null;
  readonly repository: string | null;
  /** Of its runs; null: they take none. */
  readonly lock: string | null;
  readonly schedule: Schedule;
}

export interface ScheduleRecord {
  readonly plan: string;
  readonly file: string;
  /** Slots after this count. */
  readonly since: number;
  /** Why the file as it is now is not in force; null: it is. */
  readonly error: ErrorOutput | null;
  readonly paused: number | null;
  readonly pauseReason: string | null;
  /** Failed runs one after another. */
  readonly failures: number;
  /** When its file was seen to be gone: nothing is scheduled any more. */
  readonly removed: number | null;
  /** Null: no text of this plan was ever valid. */
  readonly facts: ScheduledPlan | null;
  readonly stamp: string | null;
}

const columns = [
  'plan',
  'file',
  'since',
  'error',
  'paused',
  'pause_reason',
  'failures',
  'removed',
  'facts',
  'stamp',
] as const;

/** Every schedule, without texts, by name. */
export const listSchedules = (state: State): ScheduleRecord[] =>
  state.all(state.query.selectFrom('schedules').select(columns).orderBy('plan')).map(toRecord);

export function findSchedule(state: State, plan: string): ScheduleRecord | undefined {
  const row = state.first(state.query.selectFrom('schedules').select(columns).where('plan', '=', plan));
  return row && toRecord(row);
}

/** The text of a plan that is in force: the last one that was valid. */
export const scheduledText = (state: State, plan: string): string | undefined =>
  state.first(
    state.query.selectFrom('schedules').select('text').where('plan', '=', plan).where('facts', 'is not', null),
  )?.text;

export interface AcceptedPlan {
  readonly plan: string;
  readonly file: string;
  readonly text: string;
  readonly facts: ScheduledPlan;
  readonly stamp: string;
  readonly now: number;
}

/**
 * Puts a valid text in force. Where its times are others than before, or it was removed, slots count from now on. Answers
 * since when they count.
 * @param before what the caller has found of it in the same transaction
 */
export function acceptPlan(
  state: State,
  { plan, file, text, facts, stamp, now }: AcceptedPlan,
  before = findSchedule(state, plan),
): number {
  return state.transaction(() => {
    const kept = before !== undefined && before.removed === null && sameTimes(before.facts?.schedule, facts.schedule);
    const values = { file, text, since: kept ? before.since : now, error: null, removed: null, stamp };
    const row = { ...values, facts: JSON.stringify(facts) };
    state.run(
      state.query
        .insertInto('schedules')
        .values({ plan, ...row, paused: null, pause_reason: null, failures: 0 })
        .onConflict((conflict) => conflict.column('plan').doUpdateSet(row)),
    );
    return values.since;
  });
}

const sameTimes = (a: Schedule | undefined, b: Schedule): boolean =>
  a?.cron === b.cron && a.timezone === b.timezone && (a.enabled ?? true) === (b.enabled ?? true);

/** Writes down why the file of a plan is not in force; a text that was valid before stays so. */
export function refusePlan(
  state: State,
  { plan, file, error, stamp, now }: { plan: string; file: string; error: ErrorOutput; stamp: string; now: number },
): void {
  const change = { error: JSON.stringify(error), stamp };
  state.run(
    state.query
      .insertInto('schedules')
      .values({
        plan,
        file,
        text: '',
        since: now,
        paused: null,
        pause_reason: null,
        failures: 0,
        facts: null,
        removed: null,
        ...change,
      })
      .onConflict((conflict) => conflict.column('plan').doUpdateSet(change)),
  );
}

/** Ends the schedule of a plan whose file is gone; its slots stay. */
export function removeSchedule(state: State, plan: string, now: number): void {
  const own = state.query.updateTable('schedules').set({ removed: now }).where('plan', '=', plan);
  state.run(own.where('removed', 'is', null));
}

/** Forgets a plan that was never valid and is not in this file any more. */
export function forgetRefused(state: State, plan: string, file: string): void {
  const never = state.query.deleteFrom('schedules').where('facts', 'is', null);
  state.run(never.where('plan', '=', plan).where('file', '=', file));
}

/**
 * One that is paused stays so since then, and its reason is replaced only by one that somebody gives.
 * @param reason null: none was given
 * @returns false: there is no such schedule
 */
export const pauseSchedule = (state: State, plan: string, reason: string | null, now: number): boolean =>
  state.run(
    state.query
      .updateTable('schedules')
      .set(({ fn, ref, val }) => ({
        paused: fn.coalesce(ref('paused'), val(now)),
        pause_reason: fn.coalesce(val(reason), ref('pause_reason'), val('paused by hand')),
      }))
      .where('plan', '=', plan),
  ) > 0;

/** Goes on with the slots after now. False: it was not paused. */
export const resumeSchedule = (state: State, plan: string, now: number): boolean =>
  state.run(
    state.query
      .updateTable('schedules')
      .set({ paused: null, pause_reason: null, failures: 0, since: now })
      .where('plan', '=', plan)
      .where('paused', 'is not', null),
  ) > 0;

/** Counts a run that failed, or begins anew after one that did not; answers how many failed one after another. */
export function countFailure(state: State, plan: string, failed: boolean): number {
  const failures = failed ? (findSchedule(state, plan)?.failures ?? 0) + 1 : 0;
  state.run(state.query.updateTable('schedules').set({ failures }).where('plan', '=', plan));
  return failures;
}

const toRecord = (row: Pick<SchedulesTable, (typeof columns)[number]>): ScheduleRecord => ({
  plan: row.plan,
  file: row.file,
  since: row.since,
  error: parsed(row.error) as ErrorOutput | null,
  paused: row.paused,
  pauseReason: row.pause_reason,
  failures: row.failures,
  removed: row.removed,
  facts: parsed(row.facts) as ScheduledPlan | null,
  stamp: row.stamp,
});

const parsed = (text: string | null): unknown => (text === null ? null : (JSON.parse(text) as unknown));
