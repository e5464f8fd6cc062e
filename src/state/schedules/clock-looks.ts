import type { ClockLook } from '../../host/system/boot-clock.ts';
import type { State } from '../database/open-state.ts';
import type { ClockLooksTable } from '../database/tables.ts';

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

/** A clock that is set ahead by more, ms, is not believed at once: what is removed by its age would be gone. */
const doubtedMs = 30 * 86_400_000;
/** And so long not. */
const doubtMs = 86_400_000;

export interface ClockDoubt {
  /** The latest that the clock has shown before, ms since the epoch. */
  readonly latest: number;
  /** How long it is doubted from now on, ms. */
  readonly forMs: number;
}

/**
 * Whether the clock was set ahead by more than 30 days, beyond all that it has shown, less than a day ago. Null: it was not, as far as
 * is known. By what it says nothing must expire until somebody could set it right.
 */
export function clockDoubt(state: State, { bootId, sinceBoot, now }: ClockLook): ClockDoubt | null {
  const last = lastClockLook(state);
  if (!last) return null;
  const sameBoot = last.boot_id === bootId;
  const { latest, doubted } = last;
  const left = sameBoot && doubted !== null ? doubted + doubtMs - sinceBoot : 0;
  // Set back since: this one is believed.
  if (left > 0 && now > latest + doubtedMs) return { latest, forMs: left };
  if (doubted !== null && sameBoot) return null;
  const passed = sameBoot ? Math.max(0, sinceBoot - (last.seen - last.ahead_of_boot)) : 0;
  return now > latest + passed + doubtedMs ? { latest, forMs: doubtMs } : null;
}

/** When the latest run began or ended; null: there was none. For databases in which no look was written down yet. */
export const latestRunTime = (state: State): number | null =>
  state.first(
    state.query.selectFrom('runs').select(({ fn }) => fn.max(fn.coalesce('finished', 'started')).as('latest')),
  )?.latest ?? null;
