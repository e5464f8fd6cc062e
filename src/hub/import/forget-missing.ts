import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestPath } from '../../repository/layout.ts';
import type { ImportOutput } from '../../schemas/types.ts';
import { listedPoints } from '../../state/points/listed-points.ts';
import { deletePoint } from '../../state/points/restore-points.ts';
import { claimedFiles } from '../../restore-points/claimed-files.ts';
import type { ImportOptions } from './import-options.ts';

/**
 * Forgets restore points whose manifest is gone, as a database that was put back from a copy names them. One that another
 * is built on stays, and is named; what cannot be looked at is not gone.
 */
export async function forgetMissing(options: ImportOptions, output: ImportOutput): Promise<void> {
  const { state, repository, root, signal } = options;
  const claimed = claimedFiles(state, repository);
  // Newest first, so that what is built on one goes before it.
  for (const { backup_id: backupId, vm } of listedPoints(state, { repository }).toReversed()) {
    signal?.throwIfAborted();
    const path = manifestPath(vm.context, backupId);
    if (claimed.has(path) || !(await isGone(join(root, path)))) continue;
    try {
      deletePoint(state, { repository, context: vm.context, backupId });
      output.forgotten.push(backupId);
    } catch (error) {
      output.refused.push({ path, message: `it is gone, and ${(error as Error).message}` });
    }
  }
}

const isGone = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
