import { lookAtClock } from '../../host/system/boot-clock.ts';
import { isRunning, thisProcess } from '../../host/programs/process-identity.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';
import { findRepository } from '../../repository/open-repository.ts';
import { ageMs } from '../../schemas/age-ms.ts';
import type { Settings, UpkeepOutput } from '../../schemas/types.ts';
import { clockDoubt } from '../../state/schedules/clock-looks.ts';
import type { State } from '../../state/database/open-state.ts';
import { summariseRuns } from '../../state/runs/run-summaries.ts';
import { listRuns } from '../../state/runs/runs.ts';
import { databaseId } from '../../state/credentials/sealing-key.ts';
import { forgetAudit } from '../../state/access/audit.ts';
import { forgetReads } from '../../state/files/file-reads.ts';
import { claimUpkeep, finishUpkeep } from '../../state/database/upkeep.ts';
import { tidyProgress } from '../runs/run-progress/read-progress.ts';
import { copyState } from './copy-state.ts';
import { tidyLogs } from './tidy-logs.ts';

export interface KeepHouseOptions {
  readonly state: State;
  readonly settings: Settings;
  repositoryPath(name: string): string;
  /** All of it, whether it is due or not. */
  readonly force?: boolean;
  readonly now?: number;
  readonly signal?: AbortSignal | undefined;
}

type Report = { -readonly [K in keyof UpkeepOutput]: UpkeepOutput[K] };

const day = 86_400_000;

/**
 * Keeps the state database and the logs small, and copies of the database in the repositories: what was not done today
 * by any process. What cannot be done is told, not thrown.
 */
export async function keepHouse(options: KeepHouseOptions): Promise<UpkeepOutput> {
  const report: Report = {
    version: 1,
    runs_summarised: 0,
    logs_removed: 0,
    log_bytes_freed: 0,
    database_bytes_freed: 0,
    copies: [],
    troubles: [],
  };
  // By a clock that was set far ahead, all logs and runs would be old.
  if (clockDoubt(options.state, { ...lookAtClock(), now: options.now ?? Date.now() }) === null)
    await task(options, report, { name: 'tidy', what: 'the state database and the logs' }, () => tidy(options, report));
  const { stateCopies } = options.settings.history;
  if (stateCopies === 0) return report;
  const { version } = options.state;
  for (const name of Object.keys(options.settings.repositories)) {
    const root = options.repositoryPath(name);
    // One that is not there (not mounted, not made yet) has no restore points to keep the database for.
    if (!(await findRepository(name, root).catch(() => null))) continue;
    const what = `the copy of the state database in repository ${name}`;
    const sooner = (last: unknown): boolean => (last as { version?: unknown } | null)?.version !== version;
    await task(options, report, { name: `copy ${name}`, what, sooner }, async () => {
      const made = await copyState({
        state: options.state,
        hubId: databaseId(options.state),
        root,
        keep: stateCopies,
        now: options.now ?? Date.now(),
      });
      report.copies.push({ repository: name, ...made });
      return { ...made, version };
    });
  }
  return report;
}

async function task(
  { state, force, now = Date.now(), signal }: KeepHouseOptions,
  report: Report,
  { name, what, sooner }: { name: string; what: string; sooner?: (detail: unknown) => boolean },
  work: () => Promise<unknown>,
): Promise<void> {
  let detail: unknown = null;
  try {
    if (signal?.aborted) return;
    const every = force ? 0 : day;
    if (!claimUpkeep(state, { task: name, owner: thisProcess(), every, now, sooner }, isRunning)) return;
    try {
      detail = await work();
    } catch (error) {
      detail = { error: (error as Error).message, ...(sooner ? { version: state.version } : {}) };
      throw error;
    } finally {
      finishUpkeep(state, name, Date.now(), detail);
    }
  } catch (error) {
    // Told to stop: the rest is for the next day.
    if (signal?.aborted) return;
    report.troubles.push(`upkeep of ${what} failed: ${(error as Error).message}`);
  }
}

async function tidy({ state, settings, now = Date.now(), signal }: KeepHouseOptions, report: Report): Promise<unknown> {
  const { keepRuns, keepLogs, keepAudit, maxLogBytes } = settings.history;
  const open = new Set(listRuns(state, { open: true }).map(({ id }) => id));
  const logs = await tidyLogs({
    statePath: state.path,
    before: now - ageMs(keepLogs),
    most: sizeBytes(maxLogBytes),
    open,
  });
  await tidyProgress(state.path, open);
  report.logs_removed = logs.removed;
  report.log_bytes_freed = logs.bytes;
  report.runs_summarised = await summariseRuns(state, now - ageMs(keepRuns), signal);
  forgetReads(state, now - ageMs(keepRuns));
  forgetAudit(state, now - ageMs(keepAudit));
  report.database_bytes_freed = await state.shrink();
  return { runs: report.runs_summarised, logs: report.logs_removed };
}
