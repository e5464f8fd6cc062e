import { shownName } from '../../files/shown.ts';
import type { FilesLogOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { listReads, type ReadRow, type ReadsFilter } from '../../state/files/file-reads.ts';

/** Who read which files, the newest last. */
export function describeReads(state: State, filter: ReadsFilter): FilesLogOutput {
  const rows = listReads(state, { ...filter, limit: filter.limit + 1 });
  const more = rows.length > filter.limit;
  return { version: 1, reads: (more ? rows.slice(1) : rows).map(toRead), more };
}

const toRead = ({ id, at, ended, who, address, context, path, ...row }: ReadRow): FilesLogOutput['reads'][number] => ({
  id,
  at,
  ended,
  who,
  address,
  run_id: row.run_id,
  vm: context,
  repository: row.repository,
  backup_id: row.backup_id,
  action: row.action,
  volume: row.volume,
  path: path === null ? null : `/${shownName(Buffer.from(path))}`,
  bytes: row.bytes,
  error: row.error,
});
