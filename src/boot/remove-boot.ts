import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { removeTree } from '../host/files/files.ts';
import { isWithin, realFolder } from '../host/files/future-folder.ts';
import { isPrivate } from '../host/programs/private-places.ts';
import { stopServersIn } from '../host/programs/stop-servers-in.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { changeBoot, deleteBoot, findBoot } from '../state/boots/boots.ts';
import { leaveGroup } from './group-network.ts';
import { moveOf, partFile } from './boot-move.ts';
import { unmarkUsed } from './used-mark.ts';

/** What ending a VM takes of a hub. */
export type BootAccess = Pick<RepositoryAccess, 'state' | 'repositoryPath' | 'rescuing'>;

/** How long programs may take to end that have nothing to bring to the disk, ms. */
export const stopMs = 2_000;

/**
 * Ends a VM and removes all that is its own: its programs, its folder, what has not finished moving, its row. Again is fine. Disks that
 * have moved stay.
 */
export async function removeBoot(access: BootAccess, id: string): Promise<void> {
  const { state } = access;
  const row = findBoot(state, id);
  if (!row) return;
  const move = moveOf(row);
  if (row.state === 'moved' && move && isWithin(await realFolder(move.directory), await realFolder(row.folder)))
    throw new SendenseError(
      'boot.failed',
      `the disks of ${id} have moved to ${move.directory}, which would go with it`,
      {
        remedy: 'Switch it off with `boot stop ID --power-off`, and take the disks out of that folder.',
      },
    );
  changeBoot(state, id, { state: 'stopping', wanted: 'off' });
  // What it has in memory goes with it: one that hangs is not waited for.
  await stopServersIn(row.folder, { graceMs: stopMs });
  // A disk that has moved has another name by now.
  if (move) {
    for (const { number } of move.disks) await rm(partFile(move, id, number), { force: true });
    // What is in there is not ours, and an empty folder that stays is in nobody's way.
    if (move.made === true) await rmdir(move.directory).catch(() => undefined);
  }
  if (existsSync(row.folder)) {
    if (!isAbsolute(row.folder) || basename(row.folder) !== id || !isPrivate(row.folder))
      throw new SendenseError(
        'boot.failed',
        `${row.folder} is not the folder that ${id} made; nothing of it was removed`,
      );
    await removeTree(row.folder);
  }
  deleteBoot(state, id);
  await unmarkUsed(access, row);
  await leaveGroup(state, row);
}
