import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { State } from '../database/open-state.ts';
import type { NoticesTable } from '../database/tables.ts';

/** A notice as it is kept. */
export type NoticeRow = Selectable<NoticesTable>;

/** What somebody should hear of; `docs/monitoring.md` says when each is raised. */
export type NoticeEvent =
  | 'started'
  | 'success'
  | 'warning'
  | 'failure'
  | 'recovery'
  | 'missed-slot'
  | 'clock'
  | 'lock-refused'
  | 'prune-trouble'
  | 'verification-failure'
  | 'rpo'
  | 'invalid-plan'
  | 'paused'
  | 'channel';

export interface Notice {
  readonly event: NoticeEvent;
  readonly plan?: string | null | undefined;
  readonly vm?: string | null | undefined;
  readonly repository?: string | null | undefined;
  readonly runId?: string | null | undefined;
  /** One sentence without secrets. */
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Writes down that somebody should hear of this; who delivers it, and where to, is decided later. Returns its id. */
export function raiseNotice(state: State, notice: Notice, raised = Date.now()): string {
  const id = randomUUID();
  state.run(
    state.query.insertInto('notices').values({
      id,
      event: notice.event,
      plan: notice.plan ?? null,
      vm: notice.vm ?? null,
      repository: notice.repository ?? null,
      run_id: notice.runId ?? null,
      message: notice.message,
      details: JSON.stringify(notice.details ?? {}),
      raised,
      routed: null,
    }),
  );
  return id;
}

/** Notices that were not given to channels yet, in the order in which they were raised. */
export const unroutedNotices = (state: State): NoticeRow[] =>
  state.all(state.query.selectFrom('notices').selectAll().where('routed', 'is', null).orderBy('number'));

/** Gives a notice to channels; to none: it is kept, and nobody is told. */
export function routeNotice(state: State, notice: NoticeRow, channels: readonly string[], now: number): void {
  state.transaction(() => {
    for (const channel of channels) {
      const row = { notice: notice.id, channel, event: notice.event, plan: notice.plan ?? '', due: notice.raised };
      state.run(state.query.insertInto('deliveries').values({ ...row, state: 'waiting' as const, attempts: 0 }));
    }
    state.run(state.query.updateTable('notices').set({ routed: now }).where('id', '=', notice.id));
  });
}

/** Whether a notice of a run was raised. */
export const wasSaid = (state: State, runId: string, event: NoticeEvent): boolean =>
  state.first(
    state.query.selectFrom('notices').select('id').where('run_id', '=', runId).where('event', '=', event).limit(1),
  ) !== undefined;

/**
 * By how much the clock was set back since a run began, ms; with a run of which nothing was said, ever, as far as that is known.
 * The order of notices is that in which they were raised, whatever the clock showed.
 */
export function clockSetBackSince(state: State, runId: string): number {
  const { query } = state;
  const begun = state.first(
    query.selectFrom('notices').select('number').where('run_id', '=', runId).where('event', '=', 'started'),
  );
  return state
    .all(
      query
        .selectFrom('notices')
        .select('details')
        .where('event', '=', 'clock')
        .where('number', '>', begun?.number ?? 0),
    )
    .map(({ details }) => Number((JSON.parse(details) as { jump_ms?: unknown }).jump_ms ?? 0))
    .reduce((sum, jump) => sum + Math.max(0, -jump), 0);
}

/** The channels that were told of an event of a run. */
export const channelsTold = (state: State, runId: string, events: readonly NoticeEvent[]): Set<string> =>
  new Set(
    state
      .all(
        state.query
          .selectFrom('notices')
          .innerJoin('deliveries', 'deliveries.notice', 'notices.id')
          .select('deliveries.channel')
          .where('notices.run_id', '=', runId)
          .where('notices.event', 'in', [...events]),
      )
      .map(({ channel }) => channel),
  );

/** Forgets notices that were raised before a moment and wait for nothing. Answers how many. */
export function forgetNotices(state: State, before: number): number {
  const waiting = state.query.selectFrom('deliveries').select('notice').where('state', '=', 'waiting');
  return state.run(
    state.query
      .deleteFrom('notices')
      .where('raised', '<', before)
      .where('routed', 'is not', null)
      .where('id', 'not in', waiting),
  );
}
