import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { ProcessIdentity } from '../../schemas/types.ts';
import type { IsRunning } from '../runs/locks.ts';
import type { State } from '../database/open-state.ts';
import type { NoticeRow } from './notices.ts';
import type { DeliveriesTable } from '../database/tables.ts';

type DeliveryRow = Selectable<DeliveriesTable>;

type Waiting = Pick<
  DeliveryRow,
  'id' | 'notice' | 'event' | 'plan' | 'attempts' | 'due' | 'claim_owner' | 'claim_expires'
>;

/** What one process sends to one channel as one message; nobody else does meanwhile. */
export interface ClaimedBatch {
  readonly claim: string;
  readonly event: string;
  readonly ids: readonly number[];
  readonly notices: readonly NoticeRow[];
  /** Failed attempts of the oldest. */
  readonly attempts: number;
}

export interface ClaimOptions {
  readonly channel: string;
  readonly owner: ProcessIdentity;
  readonly isRunning: IsRunning;
  readonly now: number;
  /** How long the claim holds while its owner lives, ms: longer than an attempt can take. */
  readonly expiresMs: number;
  /** Notices of one kind within so many ms after a message wait, and go together; 0: each goes by itself. */
  readonly foldMs: number;
  /** Only what is about this plan. */
  readonly plan?: string | undefined;
  /** Nobody comes later: what would wait for the end of the folding time goes now. */
  readonly atOnce?: boolean;
}

/** What a claim found: a batch, or when to ask again; null: nothing waits. */
export type Claim = { readonly batch: ClaimedBatch } | { readonly again: number } | null;

/** The most notices in one message. */
const largestBatch = 1000;

/**
 * Takes what may go next to a channel. Within a plan nothing overtakes: a later notice waits for the earlier ones, be they
 * put off or under way elsewhere.
 */
export function claimBatch(state: State, options: ClaimOptions): Claim {
  // Nothing waits most of the time, and then nobody has to wait for the database.
  if (!anyWaiting(state, options.channel)) return null;
  return state.transaction(() => {
    const { channel, now, owner, expiresMs } = options;
    const chosen = choose(state, waitingFor(state, channel), options);
    if (chosen === null || 'again' in chosen) return chosen;
    const claim = randomUUID();
    const ids = chosen.rows.map(({ id }) => id);
    const taken = { claim, claim_owner: JSON.stringify(owner), claim_expires: now + expiresMs };
    state.run(state.query.updateTable('deliveries').set(taken).where('id', 'in', ids));
    const wanted = chosen.rows.map(({ notice }) => notice);
    const found = state.all(state.query.selectFrom('notices').selectAll().where('id', 'in', wanted));
    const notices = wanted
      .map((id) => found.find((notice) => notice.id === id))
      .filter((notice) => notice !== undefined);
    const [first] = chosen.rows;
    return { batch: { claim, event: first?.event ?? '', ids, notices, attempts: first?.attempts ?? 0 } };
  });
}

const anyWaiting = (state: State, channel: string): boolean =>
  state.first(
    state.query
      .selectFrom('deliveries')
      .select('id')
      .where('channel', '=', channel)
      .where('state', '=', 'waiting')
      .limit(1),
  ) !== undefined;

const waitingFor = (state: State, channel: string): Waiting[] =>
  state.all(
    state.query
      .selectFrom('deliveries')
      .select(['id', 'notice', 'event', 'plan', 'attempts', 'due', 'claim_owner', 'claim_expires'])
      .where('channel', '=', channel)
      .where('state', '=', 'waiting')
      .orderBy('id'),
  );

function choose(
  state: State,
  waiting: readonly Waiting[],
  options: ClaimOptions,
): { readonly rows: readonly Waiting[] } | { readonly again: number } | null {
  const { channel, now, foldMs, plan, atOnce = false } = options;
  const blocked = new Set<string>();
  const rows: Waiting[] = [];
  let again = Infinity;
  const sentAt = new Map<string, number>();
  const lastOf = (event: string): number => {
    const known = sentAt.get(event) ?? lastSent(state, channel, event, now);
    sentAt.set(event, known);
    return known;
  };
  for (const row of waiting) {
    if (rows.length >= largestBatch) break;
    if (plan !== undefined && row.plan !== plan) continue;
    // What is about no plan has no order to keep.
    const lane = row.plan === '' ? `notice ${row.id}` : row.plan;
    if (blocked.has(lane)) continue;
    const [first] = rows;
    const freeAt = Math.max(dueAt(row, now), underWayUntil(row, options));
    const goesAt =
      first !== undefined || foldMs === 0 || atOnce ? freeAt : Math.max(freeAt, lastOf(row.event) + foldMs);
    if (goesAt > now) again = Math.min(again, goesAt);
    else if (first === undefined || (foldMs > 0 && first.event === row.event)) {
      rows.push(row);
      continue;
    }
    blocked.add(lane);
  }
  if (rows.length > 0) return { rows };
  return again === Infinity ? null : { again };
}

/** The longest pause before another attempt, ms. */
export const longestPauseMs = 3_600_000;

/** When it may go. A pause that is longer than any was begun by a clock that was ahead; before the first attempt there is none. */
const dueAt = ({ due, attempts }: Waiting, now: number): number =>
  attempts === 0 || due - now > longestPauseMs ? Math.min(due, now) : due;

/** Until when somebody else sends it; a claim ends with its owner, or its time, if no clock that was ahead has given that. */
function underWayUntil({ claim_owner, claim_expires }: Waiting, { isRunning, now, expiresMs }: ClaimOptions): number {
  if (claim_owner === null || claim_expires === null || claim_expires - now > expiresMs + longestPauseMs) return 0;
  return isRunning(JSON.parse(claim_owner) as ProcessIdentity) ? claim_expires : 0;
}

function lastSent(state: State, channel: string, event: string, now: number): number {
  const row = state.first(
    state.query
      .selectFrom('deliveries')
      .select(({ fn }) => fn.max('finished').as('last'))
      .where('channel', '=', channel)
      .where('event', '=', event)
      .where('state', '=', 'sent')
      .where('finished', '<=', now),
  );
  return row?.last ?? -Infinity;
}

const mine = (state: State, claim: string): number[] =>
  state
    .all(state.query.selectFrom('deliveries').select('id').where('claim', '=', claim).where('state', '=', 'waiting'))
    .map(({ id }) => id);

const unclaimed = { claim: null, claim_owner: null, claim_expires: null };

/** Gives back what was not tried. */
export const releaseClaim = (state: State, claim: string): number =>
  state.run(state.query.updateTable('deliveries').set(unclaimed).where('id', 'in', mine(state, claim)));

export function markSent(state: State, claim: string, now: number): void {
  const update = state.query.updateTable('deliveries').set({ state: 'sent', finished: now, error: null, ...unclaimed });
  state.run(update.where('id', 'in', mine(state, claim)));
}

/** The next attempt is at `due`; undefined: there is none. Answers how many were given up. */
export function markFailed(
  state: State,
  claim: string,
  failure: { readonly error: string; readonly now: number; readonly dueOf: (row: DeliveryRow) => number | undefined },
): number {
  return state.transaction(() => {
    const rows = state.all(state.query.selectFrom('deliveries').selectAll().where('id', 'in', mine(state, claim)));
    let givenUp = 0;
    for (const row of rows) {
      const due = failure.dueOf(row);
      if (due === undefined) givenUp++;
      state.run(
        state.query
          .updateTable('deliveries')
          .set({
            attempts: row.attempts + 1,
            error: failure.error,
            ...(due === undefined ? { state: 'given-up', finished: failure.now } : { due }),
            ...unclaimed,
          })
          .where('id', '=', row.id),
      );
    }
    return givenUp;
  });
}

/** Everything that waits may go now, whatever pause was meant to be. */
export const bringForward = (state: State, now: number): number =>
  state.run(
    state.query.updateTable('deliveries').set({ due: now }).where('state', '=', 'waiting').where('due', '>', now),
  );

/** Gives up what waits for channels that are not among those known, and was due before a moment; forgets how it went with them. */
export function giveUpUnknown(state: State, known: readonly string[], before: number, now: number): void {
  const waiting = state.query.updateTable('deliveries').where('state', '=', 'waiting').where('due', '<', before);
  const change = {
    state: 'given-up' as const,
    finished: now,
    error: 'there is no such channel any more',
    ...unclaimed,
  };
  state.run(waiting.where('channel', 'not in', [...known, '']).set(change));
  const gone = state.query.deleteFrom('channels').where('name', 'not in', [...known, '']);
  state.run(gone.where('failing_since', '<', before));
}

/** How many deliveries wait for each channel. */
export const countWaiting = (state: State): Map<string, number> =>
  new Map(
    state
      .all(
        state.query
          .selectFrom('deliveries')
          .select(({ fn }) => ['channel', fn.countAll<number>().as('count')])
          .where('state', '=', 'waiting')
          .groupBy('channel'),
      )
      .map(({ channel, count }) => [channel, count]),
  );

export interface DeliveryRecord {
  readonly notice: NoticeRow;
  readonly deliveries: readonly Pick<DeliveryRow, 'channel' | 'state' | 'attempts' | 'error' | 'finished' | 'due'>[];
}

/** Notices and what became of them, newest first. */
export function deliveryHistory(state: State, limit: number, plan?: string): DeliveryRecord[] {
  let query = state.query.selectFrom('notices').selectAll().orderBy('number', 'desc').limit(limit);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  return state.all(query).map((notice) => ({
    notice,
    deliveries: state.all(
      state.query
        .selectFrom('deliveries')
        .select(['channel', 'state', 'attempts', 'error', 'finished', 'due'])
        .where('notice', '=', notice.id)
        .orderBy('channel'),
    ),
  }));
}
