import type { ProcessIdentity } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';

export interface DaemonEntry {
  readonly owner: ProcessIdentity;
  /** Where the number of its process means that (`thisPlace`). */
  readonly place: string;
  /** Absolute: of its plans. */
  readonly folder: string;
}

/** Writes down that a daemon works, and takes those away that have ended. @returns its end */
export function enterDaemon(state: State, entry: DaemonEntry, isAlive: (entry: DaemonEntry) => boolean): Disposable {
  const owner = JSON.stringify(entry.owner);
  const remove = (of: string): void => void state.run(state.query.deleteFrom('daemons').where('owner', '=', of));
  state.transaction(() => {
    for (const one of daemons(state)) if (!isAlive(one)) remove(JSON.stringify(one.owner));
    remove(owner);
    state.run(state.query.insertInto('daemons').values({ ...entry, owner, begun: Date.now() }));
  }, 'process');
  return { [Symbol.dispose]: () => remove(owner) };
}

/** Those that have not said that they ended. */
export const daemons = (state: State): DaemonEntry[] =>
  state
    .all(state.query.selectFrom('daemons').select(['owner', 'place', 'folder']))
    .map(({ owner, ...entry }) => ({ ...entry, owner: JSON.parse(owner) as ProcessIdentity }));
