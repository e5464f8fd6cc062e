import { sql } from 'kysely';
import type { RunOrigin } from '../../engine/journal.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import type { IsRunning } from '../runs/locks.ts';
import type { State } from '../database/open-state.ts';
import { advanceProgress } from './slot-progress.ts';
import type { SlotState } from './slot-states.ts';
import type { ScheduleSlotsTable } from '../database/tables.ts';

export type SlotTrigger = Exclude<RunOrigin['trigger'], 'command'>;

export interface SlotRecord {
  readonly plan: string;
  /** When it was due, without jitter. */
  readonly slot: number;
  readonly state: SlotState;
  readonly reason: string | null;
  readonly trigger: SlotTrigger;
  readonly kind: string;
  readonly node: string | null;
  readonly repository: string | null;
  readonly runId: string | null;
  /** The daemon that decided, then the process of the run. */
  readonly owner: ProcessIdentity | null;
  readonly decided: number;
}

export const openStates = ['waiting', 'claimed', 'running'] as const satisfies readonly SlotState[];
const isOpen = (state: SlotState): boolean => openStates.some((open) => open === state);

export interface DecideOptions {
  /** Also where it was decided in one of these ways before. */
  readonly over?: readonly SlotState[];
  /** It comes now: what a clock that was ahead has run in its name may be run again. */
  readonly onTime?: boolean;
}

/**
 * Writes down what becomes of a slot that nobody has decided yet. False: another process was first.
 *
 * A slot later than the progress of its plan was decided by a clock that was ahead: that it had no run does not count. That it
 * had one counts, so that a slot is run once where nobody can say which clock was right; unless it comes now, and its run made
 * up for the past, or jumped over slots that the plan has run since.
 */
export function decideSlot(state: State, slot: SlotRecord, { over = [], onTime = false }: DecideOptions = {}): boolean {
  const row = toRow(slot);
  return state.transaction(() => {
    const insert = state.query.insertInto('schedule_slots').values(row);
    const written = state.run(
      insert.onConflict((conflict) =>
        conflict
          .columns(['plan', 'slot'])
          .doUpdateSet(row)
          .where(({ or, and, eb }) =>
            or([
              ...(over.length === 0 ? [] : [eb('schedule_slots.state', 'in', over)]),
              and([aheadOfProgress, onTime ? or([withoutRun, ranTooEarly]) : withoutRun]),
            ]),
          ),
      ),
    );
    advanceProgress(state, slot.plan, slot.slot);
    return written > 0;
  });
}

const aheadOfProgress = sql<boolean>`(
  schedule_slots.state NOT IN ('waiting', 'claimed', 'running')
  AND schedule_slots.slot > coalesce(
    (SELECT decided_until FROM schedule_progress AS progress WHERE progress.plan = schedule_slots.plan), -1))`;

const withoutRun = sql<boolean>`schedule_slots.run_id IS NULL`;

/** The order in which runs began is that of their rows, whatever the clock showed. */
const ranTooEarly = sql<boolean>`(
  schedule_slots.trigger = 'catch-up'
  OR EXISTS (
    SELECT 1
    FROM runs AS own
    JOIN runs AS later ON later.plan = own.plan AND later.slot < own.slot AND later.rowid > own.rowid
    JOIN runs AS earlier ON earlier.plan = own.plan AND earlier.slot < later.slot AND earlier.rowid < own.rowid
    WHERE own.id = schedule_slots.run_id AND later.trigger IN ('schedule', 'timer', 'catch-up')))`;

export interface SlotChange {
  readonly state: SlotState;
  readonly reason?: string | null;
  readonly runId?: string;
  readonly owner?: ProcessIdentity;
}

/** Changes a slot that is in state `from`, and where `runId` is given is for that run. False: it was not. */
export function changeSlot(
  state: State,
  key: { readonly plan: string; readonly slot: number; readonly runId?: string | null },
  from: SlotState,
  { state: to, reason, runId, owner }: SlotChange,
  now = Date.now(),
): boolean {
  let update = state.query
    .updateTable('schedule_slots')
    .set({
      state: to,
      decided: now,
      ...(reason === undefined ? {} : { reason }),
      ...(runId === undefined ? {} : { run_id: runId }),
      ...(owner === undefined ? {} : { owner: JSON.stringify(owner) }),
    })
    .where('plan', '=', key.plan)
    .where('slot', '=', key.slot)
    .where('state', '=', from);
  if (key.runId !== undefined) update = update.where('run_id', key.runId === null ? 'is' : '=', key.runId);
  return state.run(update) > 0;
}

/**
 * The newest slot of each of these plans that was decided, until a time. One look into the key for each: there may be
 * millions of slots.
 */
export function newestDecided(
  state: State,
  plans: readonly string[],
  until = Number.MAX_SAFE_INTEGER,
): Map<string, number> {
  const named = sql<{ value: string }>`json_each(${JSON.stringify(plans)})`.as('named');
  const rows = state.all(
    state.query.selectFrom(named).select(({ selectFrom }) => [
      'named.value as plan',
      selectFrom('schedule_slots')
        .select(({ fn }) => fn.max('slot').as('slot'))
        .whereRef('schedule_slots.plan', '=', 'named.value')
        .where('schedule_slots.slot', '<=', until)
        .as('slot'),
    ]),
  );
  return new Map(rows.flatMap(({ plan, slot }) => (slot === null ? [] : [[plan, slot]])));
}

export interface SlotFilter {
  readonly plan?: string | undefined;
  readonly states?: readonly SlotState[] | undefined;
  /** From this slot on, until this one, both included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** None that is later than this and had no run: a clock that was ahead has decided it, and it comes again. */
  readonly now?: number | undefined;
  readonly limit?: number | undefined;
}

/** Slots that were decided, newest first. */
export function listSlots(state: State, { plan, states, from, to, now, limit }: SlotFilter = {}): SlotRecord[] {
  let query = state.query.selectFrom('schedule_slots').selectAll().orderBy('slot', 'desc').orderBy('plan');
  if (plan !== undefined) query = query.where('plan', '=', plan);
  if (states !== undefined) query = query.where('state', 'in', states);
  // In the words of the index of open slots, which SQLite takes for nothing else: without it, all there ever were are read.
  if (states?.every(isOpen)) query = query.where(sql<boolean>`state IN ('waiting', 'claimed', 'running')`);
  if (from !== undefined) query = query.where('slot', '>=', from);
  if (to !== undefined) query = query.where('slot', '<=', to);
  if (now !== undefined) query = query.where(({ or, eb }) => or([eb('slot', '<=', now), eb('run_id', 'is not', null)]));
  if (limit !== undefined) query = query.limit(limit);
  return state.all(query).map(toRecord);
}

export function findSlot(state: State, plan: string, slot: number): SlotRecord | undefined {
  const query = state.query.selectFrom('schedule_slots').selectAll().where('plan', '=', plan).where('slot', '=', slot);
  const row = state.first(query);
  return row && toRecord(row);
}

/** Runs of plans that go on, by whatever they were begun. */
export const livingRuns = (
  state: State,
  isRunning: IsRunning,
): { readonly id: string; readonly plan: string; readonly trigger: string; readonly owner: ProcessIdentity }[] =>
  state
    .all(
      state.query
        .selectFrom('runs')
        .select(['id', 'plan', 'trigger', 'owner_pid as pid', 'owner_start_time as start_time'])
        .select('owner_boot_id as boot_id')
        .where('finished', 'is', null)
        .where('trigger', '<>', 'command'),
    )
    .map(({ id, plan, trigger, ...owner }) => ({ id, plan, trigger, owner }))
    .filter(({ owner }) => isRunning(owner));

/** Deletes what was decided about slots before a time, but the newest of each plan, which tells from where on to count. */
export const forgetSlots = (state: State, before: number): number =>
  state.run(
    state.query
      .deleteFrom('schedule_slots')
      .where('slot', '<', before)
      .where('state', 'not in', openStates)
      .where(({ eb, selectFrom }) =>
        eb(
          'slot',
          '<',
          selectFrom('schedule_slots as newest')
            .select(({ fn }) => fn.max('newest.slot').as('slot'))
            .whereRef('newest.plan', '=', 'schedule_slots.plan'),
        ),
      ),
  );

const toRow = (slot: SlotRecord): ScheduleSlotsTable => ({
  plan: slot.plan,
  slot: slot.slot,
  state: slot.state,
  reason: slot.reason,
  trigger: slot.trigger,
  kind: slot.kind,
  node: slot.node,
  repository: slot.repository,
  run_id: slot.runId,
  owner: slot.owner && JSON.stringify(slot.owner),
  decided: slot.decided,
});

const toRecord = (row: ScheduleSlotsTable): SlotRecord => ({
  plan: row.plan,
  slot: row.slot,
  state: row.state as SlotState,
  reason: row.reason,
  trigger: row.trigger as SlotTrigger,
  kind: row.kind,
  node: row.node,
  repository: row.repository,
  runId: row.run_id,
  owner: row.owner === null ? null : (JSON.parse(row.owner) as ProcessIdentity),
  decided: row.decided,
});
