import { filesRun } from '../runs/files-run.ts';
import type { State } from '../database/open-state.ts';
import { settleReads } from './file-reads.ts';
import type { PointKey } from '../points/restore-points.ts';

/** A run reads files of a restore point until {@link dropMount}, or its end. */
export const keepMount = (state: State, runId: string, { repository, context, backupId }: PointKey): void =>
  void state.run(
    state.query
      .insertInto('restore_mounts')
      .values({ run_id: runId, repository, context, backup_id: backupId, opened: Date.now() }),
  );

/** That run has done, and so have those that ended without saying so. */
export function dropMount(state: State, runId: string): void {
  settleReads(state);
  state.run(
    state.query
      .deleteFrom('restore_mounts')
      .where((row) =>
        row.or([
          row('run_id', '=', runId),
          row('run_id', 'not in', row.selectFrom('runs').select('id').where('status', '=', 'running')),
        ]),
      ),
  );
}

/** VM of the restore point that a run opened, or had open; undefined: there was no such run. */
export const vmOfMount = (state: State, runId: string): string | undefined =>
  state.first(
    state.query
      .selectFrom('runs')
      .select('vm')
      .where('id', '=', runId)
      .where('plan', '=', filesRun)
      .where('kind', '=', 'care'),
  )?.vm;
