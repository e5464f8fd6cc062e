import type { State } from '../database/open-state.ts';

/** Slots of schedules whose run waits to be admitted. */
export const slotsWaiting = (state: State): number =>
  state.first(
    state.query
      .selectFrom('schedule_slots')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('state', '=', 'waiting'),
  )?.count ?? 0;

/** Notices for channels that were not delivered yet, or never will be. */
export const undelivered = (state: State): { readonly waiting: number; readonly givenUp: number } => {
  const rows = state.all(
    state.query
      .selectFrom('deliveries')
      .select(({ fn }) => ['state', fn.countAll<number>().as('count')])
      .where('state', '<>', 'sent')
      .groupBy('state'),
  );
  const of = (wanted: string): number => rows.find(({ state: name }) => name === wanted)?.count ?? 0;
  return { waiting: of('waiting'), givenUp: of('given-up') };
};

/** Channels to which something was sent, and whether the last attempt failed. */
export const channelsFailing = (state: State): { readonly name: string; readonly failing: boolean }[] =>
  state
    .all(state.query.selectFrom('channels').select(['name', 'failing_since']).orderBy('name'))
    .map(({ name, failing_since: since }) => ({ name, failing: since !== null }));
