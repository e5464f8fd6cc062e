import type { Acts } from './acts.ts';
import { noteAsker } from '../../state/runs/runs.ts';
import { assertAllowed } from './allowed-places.ts';
import { backupProgress, runOfBackup } from './backup-progress.ts';
import { cancelRun } from './cancel-run.ts';
import { changeIdsOf } from './change-ids.ts';
import { describeRestore } from './describe-restore.ts';
import { allowedPlaces, restorePlan, type RestorePlaces } from './restore-plan.ts';
import { restoreTargets } from './restore-targets.ts';
import { startablePlans } from './startable-plans.ts';

export const manageActs = (places: RestorePlaces): Acts => {
  const { state } = places;
  return {
    ...startablePlans(state),
    cancelRun: (id, who) => cancelRun(state, id, who),
    begunBy: (runId, who) => noteAsker(state, runId, 'asked_by', who),
    progress: (runId) => backupProgress(state, runId),
    runOfBackup: (backupId) => runOfBackup(state, backupId),
    changeIds: (vm, repository) => changeIdsOf(state, vm, repository),
    assertPlace: (field, path) => assertAllowed(allowedPlaces(places), field, path),
    restorePlan: (request) => restorePlan(places, request),
    restoreTargets: () => restoreTargets(places),
    restore: (runId) => describeRestore(state, runId),
  };
};
