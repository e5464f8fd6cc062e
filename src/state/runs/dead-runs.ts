import { bootId, thisPlace } from '../../host/programs/process-identity.ts';
import type { IsRunning } from './locks.ts';
import type { State } from '../database/open-state.ts';

/** Runs that died and are not cleaned up. */
export interface DeadRuns {
  /** Nobody has begun to. */
  readonly fresh: readonly string[];
  /** Something could not be cleaned up. */
  readonly unclean: readonly string[];
}

/**
 * Only those of which that is certain here: a process of another pid namespace (a container that shares the database) may live, although no
 * process of this one has its number. A run that begins cleans up after all of them.
 */
export function deadRuns(state: State, isRunning: IsRunning): DeadRuns {
  const here = thisPlace();
  const open = state.all(
    state.query
      .selectFrom('runs')
      .select(['id', 'status', 'finished', 'owner_place'])
      .select(['owner_pid as pid', 'owner_start_time as start_time', 'owner_boot_id as boot_id'])
      .where((is) =>
        is.or([is('finished', 'is', null), is.and([is('unclean', '=', 1), is('status', '=', 'crashed')])]),
      ),
  );
  const certain = open.filter((run) => run.boot_id !== bootId() || run.owner_place === here);
  return {
    fresh: certain.filter((run) => run.finished === null && !isRunning(run)).map(({ id }) => id),
    unclean: certain.filter(({ finished }) => finished !== null).map(({ id }) => id),
  };
}
