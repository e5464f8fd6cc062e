import { decideSlot, findSlot, type SlotRecord } from '../../state/schedules/schedule-slots.ts';
import type { SlotState } from '../../state/schedules/slot-states.ts';
import { mostMissed } from './missed-slots.ts';
import { runWaiting, slotRecord, type FoundSchedule, type RunHere, type RunWatch } from './run-here.ts';
import { rulesOf } from './schedule-rules.ts';
import { newestSlots } from './slots.ts';

export interface BackfillRequest extends RunWatch {
  /** Slots from here on, until there, both included; ms since the epoch. */
  readonly from: number;
  readonly to: number;
  /** One run, for the latest slot, makes up for all. */
  readonly latest: boolean;
  /** Only says which slots it would run. */
  readonly dryRun: boolean;
}

/** Slots of these states had no run. */
const withoutRun: readonly SlotState[] = ['missed', 'skipped', 'paused', 'blackout'];

/**
 * Runs slots of the past for which there was no run, one after another, oldest first; at most the newest thousand. Answers
 * what became of each. A run that fails does not stop the rest.
 * @throws what the last run that could not begin threw
 */
export async function backfillSlots(
  here: RunHere,
  found: FoundSchedule,
  { from, to, latest, dryRun, ...watch }: BackfillRequest,
): Promise<SlotRecord[]> {
  const { state } = here;
  const { plan, facts } = found;
  const rules = rulesOf(facts.schedule);
  const slots = newestSlots(rules, from - 1, Math.min(to, Date.now()), mostMissed).filter((slot) => {
    const known = findSlot(state, plan, slot);
    return !known || withoutRun.includes(known.state);
  });
  const chosen = latest ? slots.slice(-1) : slots;
  const records = chosen.map((slot) =>
    slotRecord(here, found, slot, { state: 'waiting', reason: null, trigger: 'backfill' }),
  );
  if (dryRun) return records;
  const outcomes: SlotRecord[] = [];
  for (const record of records) {
    if (watch.cancel?.gently.aborted) break;
    if (!decideSlot(state, record, { over: withoutRun })) continue;
    await runWaiting(here, found, record, watch);
    outcomes.push(findSlot(state, plan, record.slot) ?? record);
  }
  if (latest && outcomes.length > 0) makeUp(here, found, slots.slice(0, -1), chosen[0] ?? 0);
  return outcomes;
}

/** What one run makes up for stays without one, and says why. */
function makeUp(here: RunHere, found: FoundSchedule, slots: readonly number[], by: number): void {
  const reason = `made up for by the slot of ${new Date(by).toISOString()}`;
  const { state } = here;
  state.transaction(() => {
    for (const slot of slots)
      decideSlot(
        state,
        { ...slotRecord(here, found, slot, { state: 'missed', reason, trigger: 'backfill' }), owner: null },
        { over: withoutRun },
      );
  });
}
