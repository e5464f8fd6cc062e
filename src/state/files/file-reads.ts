import type { AuditFilter, RowsAfter } from '../access/audit.ts';
import type { State } from '../database/open-state.ts';
import type { FileReadsTable } from '../database/tables.ts';

/** What somebody does with the files of a restore point. */
export interface FileRead {
  readonly runId: string;
  /** A user of this machine, or what the API calls its caller. */
  readonly who: string;
  /** Null: by none, as commands of the machine. */
  readonly address: string | null;
  readonly repository: string;
  readonly context: string;
  readonly backupId: string;
  readonly action: FileReadsTable['action'];
  readonly volume?: string | undefined;
  /** Bytes of the path. */
  readonly path?: Buffer | undefined;
}

/** How it ended. */
export interface ReadEnd {
  /** That were handed over. */
  readonly bytes?: number | null;
  /** Code of what went wrong. */
  readonly error?: string | null;
}

/** Writes down that it begins. @returns what writes down its end */
export function beginRead(state: State, read: FileRead): (end?: ReadEnd) => void {
  const values = rowOf(read, Date.now(), null);
  const row = state.transaction(() => {
    state.run(state.query.insertInto('file_reads').values(values));
    return state.first(state.query.selectFrom('file_reads').select('id').orderBy('id', 'desc').limit(1));
  }, 'process');
  return ({ bytes = null, error = null } = {}) => {
    if (!row) return;
    const query = state.query.updateTable('file_reads').set({ ended: Date.now(), bytes, error });
    state.transaction(() => state.run(query.where('id', '=', row.id)), 'process');
  };
}

const rowOf = (read: FileRead, at: number, ended: number | null) => ({
  at,
  ended,
  run_id: read.runId,
  who: read.who,
  address: read.address,
  repository: read.repository,
  context: read.context,
  backup_id: read.backupId,
  action: read.action,
  volume: read.volume ?? null,
  path: read.path ?? null,
  bytes: null,
  error: null,
});

/** Rows of one statement. */
const together = 50;

/** Writes down what was asked for all at once: in one transaction, so that nobody waits where they are thousands. */
export function noteReads(state: State, reads: readonly FileRead[]): void {
  if (reads.length === 0) return;
  const now = Date.now();
  state.transaction(() => {
    for (let at = 0; at < reads.length; at += together) {
      const rows = reads.slice(at, at + together).map((read) => rowOf(read, now, now));
      state.run(state.query.insertInto('file_reads').values(rows));
    }
  }, 'process');
}

/** Reads whose run is over without their end: its process died. */
export const settleReads = (state: State): void =>
  void state.run(
    state.query
      .updateTable('file_reads')
      .set({ ended: Date.now(), error: 'files.cut-off' })
      .where('ended', 'is', null)
      .where('run_id', 'not in', state.query.selectFrom('runs').select('id').where('status', '=', 'running')),
  );

export interface ReadsFilter {
  /** Only of this VM, by the name of its folder. */
  readonly vm?: string | undefined;
  /** Begun then or later, ms since the epoch. */
  readonly since?: number | undefined;
  /** Older than this row. */
  readonly before?: number | undefined;
  /** The newest that fit. */
  readonly limit: number;
}

export type ReadRow = Readonly<Omit<FileReadsTable, 'id'>> & { readonly id: number };

/** The newest that fit, the oldest of them first. */
export function listReads(state: State, { vm, since, before, limit }: ReadsFilter): ReadRow[] {
  let rows = state.query.selectFrom('file_reads').selectAll().orderBy('id', 'desc').limit(limit);
  if (vm !== undefined) rows = rows.where('context', '=', vm);
  if (since !== undefined) rows = rows.where('at', '>=', since);
  if (before !== undefined) rows = rows.where('id', '<', before);
  return state.all(rows).toReversed();
}

/** The token of the hub's API has another name in the log of files. */
const namesOf = (who: string): string[] => [who, hubUser(who), ...(who === 'hub-api.token' ? ['hub-api'] : [])];

/** Some reads for the audit log, the newest first; `action` is one of files. */
export function readsForAudit(state: State, filter: AuditFilter, after: RowsAfter | null, limit: number): ReadRow[] {
  const { who, action, failed, since } = filter;
  let rows = state.query.selectFrom('file_reads').selectAll().orderBy('at', 'desc').orderBy('id', 'desc').limit(limit);
  if (who !== undefined) rows = rows.where('who', 'in', namesOf(who));
  if (action !== undefined) rows = rows.where('action', '=', action as FileReadsTable['action']);
  if (failed === true) rows = rows.where('error', 'is not', null);
  if (since !== undefined) rows = rows.where('at', '>=', since);
  if (after)
    rows = rows.where(({ eb, refTuple, tuple }) => eb(refTuple('at', 'id'), '<', tuple(after.at, after.below)));
  return state.all(rows);
}

/** What a user of the hub is called here: one of the machine may have the same name. */
export const hubUser = (name: string): string => `hub user ${name}`;

/** Forgets those that ended before. @returns how many */
export const forgetReads = (state: State, before: number): number =>
  state.run(state.query.deleteFrom('file_reads').where('ended', '<', before));
