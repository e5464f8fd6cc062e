import { readFile } from 'node:fs/promises';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ShowRunOutput } from '../schemas/types.ts';
import type { State } from '../state/open-state.ts';
import { findRun, listSteps } from '../state/runs.ts';
import { jobLogsOf } from '../steps/job-log.ts';
import { runOutput } from './describe-status.ts';

/** How a run went, from the journal; undefined where there is none of that id. */
export async function describeRun(state: State, id: string): Promise<ShowRunOutput | undefined> {
  const run = findRun(state, id);
  if (!run) return undefined;
  return {
    version: 1,
    run: runOutput(run),
    plan_file: run.planFile,
    warnings: [...run.warnings],
    steps: listSteps(state, id).map((step) => ({
      id: step.id,
      uses: step.uses,
      state: step.state,
      attempt: step.attempt,
      started: step.started,
      error: step.error,
      undo_error: step.undoError,
    })),
    logs: await jobLogsOf(state.path, id),
  };
}

/**
 * The logs that were kept of a run's jobs: JSON lines, one after another.
 * @throws SendenseError `run.no-log`
 */
export async function readRunLog({ run, logs }: ShowRunOutput): Promise<string> {
  if (logs.length === 0) throw new SendenseError('run.no-log', `no log was kept of run ${run.run_id} (${run.status})`);
  const texts = await Promise.all(logs.map(({ path }) => readFile(path, 'utf8')));
  return texts.join('');
}
