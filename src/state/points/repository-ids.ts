import type { State } from '../database/open-state.ts';

/** The id of a repository's marker as this hub has seen it; undefined: never. */
export const knownRepositoryId = (state: State, name: string): string | undefined =>
  state.first(state.query.selectFrom('repository_ids').select('id').where('name', '=', name))?.id;

/** Of a repository that the settings do not name any more. */
export const forgetRepositoryId = (state: State, name: string): void =>
  void state.run(state.query.deleteFrom('repository_ids').where('name', '=', name));

/** Kept for the day on which the marker is lost. @param replace also where another one is known: the user says so by an import */
export function keepRepositoryId(state: State, name: string, id: string, { replace = false } = {}): void {
  const known = knownRepositoryId(state, name);
  if (known === id || (known !== undefined && !replace)) return;
  state.run(
    state.query
      .insertInto('repository_ids')
      .values({ name, id })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ id })),
  );
}
