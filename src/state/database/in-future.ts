import { sql } from 'kysely';
import type { StatusOutput } from '../../schemas/types.ts';
import type { State } from './open-state.ts';
import { watchedPlans } from '../schedules/plan-health.ts';
import { pointQueries } from '../points/point-queries.ts';

export type InFuture = StatusOutput['in_future'][number];

/** Clocks of hosts differ, and are kept right, by as much, ms: what is later than the clock by more is in the future. */
export const aheadMs = 10 * 60_000;

export const isAhead = (time: number | null, now: number): boolean => time !== null && time > now + aheadMs;

/** What is dated later than the clock: while it is, nobody can say how old anything is. Three queries. */
export function inFuture(state: State, now: number): InFuture[] {
  const from = now + aheadMs;
  const { query } = state;
  const watched = watchedPlans(state).filter(({ kind }) => kind !== 'restore');
  const slots = state.all(
    query
      .selectFrom('schedule_progress')
      .innerJoin('schedules', 'schedules.plan', 'schedule_progress.plan')
      .select(['schedule_progress.plan', 'decided_until as time'])
      .where('decided_until', '>', from)
      .where('removed', 'is', null)
      .orderBy('schedule_progress.plan'),
  );
  const newest = state.all(
    pointQueries(state, {})
      .points.select(['backups.repository', 'vm_name as vm', 'backups.created as time'])
      .where('backups.created', '>', from)
      .where(isNewest)
      .orderBy('backups.repository')
      .orderBy('vm_name'),
  );
  return [
    ...watched.flatMap(({ plan, vm, repository, last_success: time }) =>
      time !== null && isAhead(time, now) ? [{ what: 'success' as const, plan, vm, repository, time }] : [],
    ),
    ...slots.map(({ plan, time }) => ({ what: 'slot' as const, plan, vm: null, repository: null, time })),
    ...newest.map((point) => ({ what: 'restore-point' as const, plan: null, ...point })),
  ];
}

/** Where a later point is dated right, the order of both tells when this one was made at the latest. */
const isNewest = sql<boolean>`NOT EXISTS (
  SELECT 1 FROM backups AS later
  WHERE later.repository = backups.repository AND later.context = backups.context AND later.sequence > backups.sequence)`;
