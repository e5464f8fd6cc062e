import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { HubProgress, HubRunProgress } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { findRun, listRuns, type RunRecord } from '../../state/runs/runs.ts';
import { progressReader } from '../runs/run-progress/read-progress.ts';
import type { Pages } from './pages.ts';

/** A hub has far fewer runs at once. */
const mostRuns = 500;

/** How far runs are that go on. */
export function progressPages(state: State): Pick<Pages, 'markOfProgress' | 'progress' | 'runProgress'> {
  const reader = progressReader(state.path);
  // What a process that died said last is not how far its run is.
  const goesOn = ({ finished, owner }: RunRecord): boolean => finished === null && isRunning(owner);
  return {
    markOfProgress: (id) => (id === null ? reader.mark() : reader.markOf(id)),
    async progress({ sees }) {
      const open = listRuns(state, { open: true, limit: mostRuns }).filter(({ vm }) => !sees || sees(vm));
      const runs = await Promise.all(open.filter(goesOn).map(async (run) => summed(run, await reader.of(run.id))));
      return { version: 1, runs: runs.flat() };
    },
    async runProgress(id) {
      const run = findRun(state, id);
      if (!run) throw new SendenseError('run.unknown', `there is no run ${id}`);
      return (goesOn(run) ? await reader.of(id) : null) ?? nothingOf(run);
    },
  };
}

function summed({ id, plan, vm, parentRun }: RunRecord, said: HubRunProgress | null): HubProgress['runs'] {
  if (said === null) return [];
  const { title, time, disks, overall } = said;
  const sum = (key: 'bytes_done' | 'bytes_total' | 'rate'): number =>
    disks.reduce((total, disk) => total + disk[key], 0);
  return [
    {
      run_id: id,
      plan,
      vm,
      parent_run: parentRun,
      title,
      time,
      bytes_done: sum('bytes_done'),
      bytes_total: sum('bytes_total'),
      rate: sum('rate'),
      overall,
    },
  ];
}

const nothingOf = ({ id, started }: RunRecord): HubRunProgress => ({
  version: 1,
  run_id: id,
  step: null,
  title: null,
  time: started,
  disks: [],
  overall: null,
});
