import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

/** How long the last run of each of these plans took that succeeded, ms; without those that never did. */
export const lastDurations = (state: State, plans: readonly string[]): Map<string, number> =>
  new Map(
    state
      .all<{ plan: string; ms: number }>({
        compile: () =>
          sql<never>`
            SELECT r.plan, max(0, r.finished - r.started) AS ms
            FROM json_each(${JSON.stringify(plans)}) wanted
            JOIN runs r ON r.id = (
              SELECT id FROM runs WHERE plan = wanted.value AND status = 'succeeded'
              ORDER BY started DESC LIMIT 1)`.compile(state.query),
      })
      .map(({ plan, ms }) => [plan, ms]),
  );
