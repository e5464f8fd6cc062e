import type { State } from './database/open-state.ts';

/** Checksum of each manifest of a repository that the database knows, by context and backup id: of one context, or of all. */
export function manifestChecksums(
  state: State,
  repository: string,
  context?: string,
): Map<string, Map<string, string>> {
  let query = state.query
    .selectFrom('backups')
    .select(['context', 'backup_id', 'checksum'])
    .where('repository', '=', repository)
    .orderBy('context')
    .orderBy('backup_id');
  if (context !== undefined) query = query.where('context', '=', context);
  const known = new Map<string, Map<string, string>>();
  for (const { context: folder, backup_id: id, checksum } of state.all(query)) {
    const ids = known.get(folder) ?? new Map<string, string>();
    known.set(folder, ids.set(id, checksum));
  }
  return known;
}
