import type { State } from '../../state/database/open-state.ts';
import type { Acts } from './acts.ts';
import { backupProgress, runOfBackup } from './backup-progress.ts';
import { cancelRun } from './cancel-run.ts';
import { changeIdsOf } from './change-ids.ts';
import { startablePlans } from './startable-plans.ts';

export const manageActs = (state: State): Acts => ({
  ...startablePlans(state),
  cancelRun: (id) => cancelRun(state, id),
  progress: (runId) => backupProgress(state, runId),
  runOfBackup: (backupId) => runOfBackup(state, backupId),
  changeIds: (vm, repository) => changeIdsOf(state, vm, repository),
});
