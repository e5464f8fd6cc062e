import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

/**
 * Until which slot each of these plans is decided, as the clock is now; plans without any are not in it. It never lies later
 * than `now`: a later one was decided by a clock that was ahead, and does not count.
 */
export function decidedUntil(state: State, plans: readonly string[], now: number): Map<string, number> {
  const named = sql<{ value: string }>`json_each(${JSON.stringify(plans)})`.as('named');
  const rows = state.all(
    state.query
      .selectFrom(named)
      .innerJoin('schedule_progress', 'schedule_progress.plan', 'named.value')
      .select(['named.value as plan', 'schedule_progress.decided_until as until'])
      .select(newestAt('named.value', now).as('before')),
  );
  return new Map(
    rows.flatMap(({ plan, until, before }) => {
      const at = until <= now ? until : before;
      return at === null ? [] : [[plan, at]];
    }),
  );
}

/** Slots of a plan until this one are decided. One look into the key: there may be millions of slots. */
export const advanceProgress = (state: State, plan: string, slot: number): number =>
  state.run(
    state.query
      .insertInto('schedule_progress')
      .values({ plan, decided_until: slot })
      .onConflict((conflict) =>
        conflict
          .column('plan')
          .doUpdateSet({ decided_until: slot })
          .where('schedule_progress.decided_until', '<', slot),
      ),
  );

/** Plans whose slots are decided, or count, from a time on that is later than the clock. */
export const plansAhead = (state: State, now: number): string[] =>
  state
    .all(
      state.query
        .selectFrom('schedule_progress')
        .select('plan')
        .where('decided_until', '>', now)
        .union(state.query.selectFrom('schedules').select('plan').where('since', '>', now)),
    )
    .map(({ plan }) => plan);

/**
 * The clock was ahead until now: slots later than `until` count as not decided, and come in their time. What happened to them
 * stays in the history until then. Answers the plans that this is about.
 */
export function rewindProgress(state: State, until: number): string[] {
  // Nothing is ahead most of the time, and then nobody has to wait for the database.
  if (plansAhead(state, until).length === 0) return [];
  return state.transaction(() => {
    const plans = plansAhead(state, until);
    const { query } = state;
    const newest = newestAt('schedule_progress.plan', until);
    state.run(query.deleteFrom('schedule_progress').where('decided_until', '>', until).where(newest, 'is', null));
    state.run(
      query
        .updateTable('schedule_progress')
        .set({ decided_until: sql<number>`${newest}` })
        .where('decided_until', '>', until),
    );
    state.run(query.updateTable('schedules').set({ since: until }).where('since', '>', until));
    return plans;
  });
}

/** The newest slot until a time that was decided until then. */
const newestAt = (plan: string, until: number) => sql<number | null>`(
  SELECT slot FROM schedule_slots
  WHERE schedule_slots.plan = ${sql.ref(plan)} AND slot <= ${until} AND decided <= ${until}
  ORDER BY slot DESC LIMIT 1)`;
