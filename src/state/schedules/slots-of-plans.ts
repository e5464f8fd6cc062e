import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';
import type { SlotState } from './slot-states.ts';

export interface ShortSlot {
  readonly plan: string;
  readonly slot: number;
  readonly state: SlotState;
  readonly run: string | null;
}

/**
 * The newest slots of each of these plans in a span (`to` is not in it), oldest first, by plan. One look into the key for each: there
 * may be millions.
 * @param span.most of each plan
 */
export const newestSlotsOfPlans = (
  state: State,
  plans: readonly string[],
  span: { readonly from: number; readonly to: number; readonly most: number },
): Map<string, ShortSlot[]> =>
  Map.groupBy(
    state.all<ShortSlot>({
      compile: () =>
        sql<never>`
          SELECT s.plan, s.slot, s.state, s.run_id AS run
          FROM json_each(${JSON.stringify(plans)}) wanted
          JOIN schedule_slots s ON s.plan = wanted.value AND s.slot IN (
            SELECT slot FROM schedule_slots WHERE plan = wanted.value AND slot >= ${span.from} AND slot < ${span.to}
            ORDER BY slot DESC LIMIT ${span.most})
          ORDER BY s.plan, s.slot`.compile(state.query),
    }),
    ({ plan }) => plan,
  );
