import type { ImportOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { listedPoints } from '../../state/points/listed-points.ts';
import { forgetRepositoryId } from '../../state/points/repository-ids.ts';
import { forgetStuckPrunes } from '../../state/points/stuck-prunes.ts';
import { deletePoint } from '../../state/points/restore-points.ts';

/** Forgets all restore points of a repository that the settings do not name any more. No file is looked at or touched. */
export function forgetRepository(state: State, repository: string): ImportOutput {
  const forgotten = state.transaction(() => {
    // Newest first, so that what is built on one goes before it.
    const ids = listedPoints(state, { repository }).toReversed();
    for (const { backup_id: backupId, vm } of ids) deletePoint(state, { repository, context: vm.context, backupId });
    forgetRepositoryId(state, repository);
    forgetStuckPrunes(state, repository);
    return ids.map(({ backup_id: id }) => id);
  });
  return { version: 1, repository, imported: [], present: 0, refused: [], forgotten };
}
