import type { State } from '../database/open-state.ts';
import type { DeliveryRecord } from './deliveries.ts';

export interface NoticePageFilter {
  readonly plan?: string | undefined;
  readonly vm?: string | undefined;
  readonly event?: string | undefined;
  /** Only what a channel did not get: given up, or an attempt failed. */
  readonly failed?: boolean;
  /** Only about these VMs. */
  readonly vms?: readonly string[] | undefined;
  /** Older than the one of this number. */
  readonly before: number | null;
  readonly limit: number;
}

/** Some notices and what became of them, newest first. */
export function noticePage(state: State, filter: NoticePageFilter): DeliveryRecord[] {
  const { plan, vm, event, failed, vms, before, limit } = filter;
  let query = state.query.selectFrom('notices').selectAll().orderBy('number', 'desc').limit(limit);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  if (vm !== undefined) query = query.where('vm', '=', vm);
  if (event !== undefined) query = query.where('event', '=', event);
  if (failed === true)
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('deliveries')
          .select('deliveries.notice')
          .whereRef('deliveries.notice', '=', 'notices.id')
          .where(({ and, or, eb }) =>
            or([
              eb('deliveries.state', '=', 'given-up'),
              and([eb('deliveries.state', '=', 'waiting'), eb('deliveries.attempts', '>', 0)]),
            ]),
          ),
      ),
    );
  if (vms !== undefined) query = query.where('vm', 'in', [...vms, '']);
  if (before !== null) query = query.where('number', '<', before);
  return state.reading(() => {
    const notices = state.all(query);
    const deliveries = Map.groupBy(
      state.all(
        state.query
          .selectFrom('deliveries')
          .select(['notice', 'channel', 'state', 'attempts', 'error', 'finished', 'due'])
          .where('notice', 'in', [...notices.map(({ id }) => id), ''])
          .orderBy('channel'),
      ),
      ({ notice }) => notice,
    );
    return notices.map((notice) => ({ notice, deliveries: deliveries.get(notice.id) ?? [] }));
  });
}
