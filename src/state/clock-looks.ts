import type { State } from './open-state.ts';
import type { ClockLooksTable } from './tables.ts';

/** The last look at the clock that any process wrote down. */
export const lastClockLook = (state: State): ClockLooksTable | undefined =>
  state.first(state.query.selectFrom('clock_looks').selectAll());

export function writeClockLook(state: State, look: Omit<ClockLooksTable, 'one'>): void {
  const row: ClockLooksTable = { one: 1, ...look };
  state.run(
    state.query
      .insertInto('clock_looks')
      .values(row)
      .onConflict((conflict) => conflict.column('one').doUpdateSet(row)),
  );
}

/** When the latest run began or ended; null: there was none. For databases in which no look was written down yet. */
export const latestRunTime = (state: State): number | null =>
  state.first(
    state.query.selectFrom('runs').select(({ fn }) => fn.max(fn.coalesce('finished', 'started')).as('latest')),
  )?.latest ?? null;
