import type { State } from '../database/open-state.ts';
import type { FileReadsTable } from '../database/tables.ts';

/** What somebody did with the files of a restore point. */
export interface FileRead {
  readonly runId: string;
  /** A user of this machine, or what the API calls its caller. */
  readonly who: string;
  readonly repository: string;
  readonly context: string;
  readonly backupId: string;
  readonly action: FileReadsTable['action'];
  readonly volume?: string | undefined;
  /** Bytes of the path. */
  readonly path?: Buffer | undefined;
  /** That were handed over. */
  readonly bytes?: number | undefined;
  /** Code of what went wrong. */
  readonly error?: string | undefined;
}

export const recordRead = (state: State, read: FileRead): void =>
  void state.run(
    state.query.insertInto('file_reads').values({
      at: Date.now(),
      run_id: read.runId,
      who: read.who,
      repository: read.repository,
      context: read.context,
      backup_id: read.backupId,
      action: read.action,
      volume: read.volume ?? null,
      path: read.path ?? null,
      bytes: read.bytes ?? null,
      error: read.error ?? null,
    }),
  );
