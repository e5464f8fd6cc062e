import type { ProcessIdentity } from '../../schemas/types.ts';
import type { IsRunning } from '../runs/locks.ts';
import type { State } from '../database/open-state.ts';
import type { ChannelsTable } from '../database/tables.ts';

/** How it goes with a channel; undefined: nothing was sent to it yet. */
export const channelHealth = (state: State, name: string): ChannelsTable | undefined =>
  state.first(state.query.selectFrom('channels').selectAll().where('name', '=', name));

/** Channels whose last attempt failed, by name. */
export const failingChannels = (state: State): ChannelsTable[] =>
  state.all(state.query.selectFrom('channels').selectAll().where('failing_since', 'is not', null).orderBy('name'));

export function channelWorked(state: State, name: string, now: number): void {
  const facts = { last_success: now, failing_since: null, failures: 0, error: null, reported: null };
  state.run(
    state.query
      .insertInto('channels')
      .values({ name, ...facts })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(facts)),
  );
}

/** @param error without secrets */
export function channelFailed(state: State, name: string, error: string, now: number): ChannelsTable {
  return state.transaction(() => {
    const before = channelHealth(state, name);
    const row: ChannelsTable = {
      name,
      last_success: before?.last_success ?? null,
      failing_since: before?.failing_since ?? now,
      failures: (before?.failures ?? 0) + 1,
      error,
      reported: before?.reported ?? null,
    };
    state.run(
      state.query
        .insertInto('channels')
        .values(row)
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet({ failing_since: row.failing_since, failures: row.failures, error }),
        ),
    );
    return row;
  });
}

export const channelReported = (state: State, name: string, now: number): number =>
  state.run(state.query.updateTable('channels').set({ reported: now }).where('name', '=', name));

/** Says that this process delivers notices from now on. */
export function addDeliverer(state: State, owner: ProcessIdentity, now = Date.now()): void {
  const row = { owner: JSON.stringify(owner), since: now };
  state.run(
    state.query
      .insertInto('deliverers')
      .values(row)
      .onConflict((conflict) => conflict.doNothing()),
  );
}

export const removeDeliverer = (state: State, owner: ProcessIdentity): number =>
  state.run(state.query.deleteFrom('deliverers').where('owner', '=', JSON.stringify(owner)));

/** Whether a process lives that delivers notices; rows of dead ones go. */
export function hasDeliverer(state: State, isRunning: IsRunning): boolean {
  const owners = state.all(state.query.selectFrom('deliverers').select('owner'));
  const dead = owners.filter(({ owner }) => !isRunning(JSON.parse(owner) as ProcessIdentity));
  for (const { owner } of dead) state.run(state.query.deleteFrom('deliverers').where('owner', '=', owner));
  return dead.length < owners.length;
}
