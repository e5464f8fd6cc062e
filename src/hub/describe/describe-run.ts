import { readFile } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { RunEvent, ShowRunOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { findRun, listRuns, listSteps } from '../../state/runs/runs.ts';
import { jobLogsOf } from '../../steps/at-node/keep-job-log.ts';
import { runOutput } from './describe-status.ts';
import { runLogFile } from '../runs/run-log/place.ts';
import { readRunLog as eventsIn } from '../runs/run-log/read-run-log.ts';

/** How a run went, from the journal; undefined where there is none of that id. */
export async function describeRun(state: State, id: string): Promise<ShowRunOutput | undefined> {
  const run = findRun(state, id);
  if (!run) return undefined;
  const log = runLogFile(state.path, id);
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
    trigger: run.trigger,
    asked_by: run.askedBy,
    stopped_by: run.stoppedBy,
    slot: run.slot,
    parent_run: run.parentRun,
    children: listRuns(state, { parentRun: id }).reverse().map(runOutput),
    log: (await exists(log)) ? log : null,
    logs: await jobLogsOf(state.path, id),
  };
}

export interface RunLog {
  readonly runId: string;
  readonly file: string;
  /** Whether the process of the run lives. */
  alive(): boolean;
  /** What the log has, and where it is followed, what is added until the run ends. @throws SendenseError `run.no-log` */
  events(options: { readonly follow: boolean; readonly signal?: AbortSignal | undefined }): AsyncGenerator<RunEvent>;
}

/** The log of a run, or of the newest one. @throws SendenseError `run.unknown` */
export function findRunLog(state: State, id: string | undefined): RunLog {
  const run = id === undefined ? listRuns(state, { limit: 1 })[0] : findRun(state, id);
  if (!run)
    throw new SendenseError('run.unknown', id === undefined ? 'there were no runs yet' : `there is no run ${id}`);
  const file = runLogFile(state.path, run.id);
  const alive = (): boolean => {
    const now = findRun(state, run.id);
    return now?.finished === null && isRunning(now.owner);
  };
  return {
    runId: run.id,
    file,
    alive,
    async *events(options) {
      try {
        yield* eventsIn({ file, alive, ...options });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        throw new SendenseError('run.no-log', `no log was kept of run ${run.id} (${run.status})`, { cause });
      }
    },
  };
}

/**
 * The logs that were kept of a run's jobs: JSON lines, one after another.
 * @throws SendenseError `run.no-log`
 */
export async function readJobLogs({ run, logs }: ShowRunOutput): Promise<string> {
  if (logs.length === 0)
    throw new SendenseError('run.no-log', `no log was kept of the jobs of run ${run.run_id} (${run.status})`);
  const texts = await Promise.all(logs.map(({ path }) => readFile(path, 'utf8')));
  return texts.join('');
}
