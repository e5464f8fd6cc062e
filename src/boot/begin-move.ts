import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { nearestFolder } from '../host/files/future-folder.ts';
import { freeBytes, isNamed } from '../host/files/files.ts';
import { imageTarget } from '../host/images/image-options.ts';
import { measureImage } from '../host/images/qemu-img.ts';
import { imagePath } from '../repository/layout.ts';
import { sizeText } from '../repository/stored-files/size.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { findPoint } from '../state/points/restore-points.ts';
import { advanceMove } from './advance-move.ts';
import { assertApart } from './assert-apart.ts';
import { overlayName } from './boot-files.ts';
import { bootMachineOf } from './boot-machine.ts';
import { moveOf, type BootMove } from './boot-move.ts';
import { writtenBytes } from './boot-state.ts';
import { withBoot } from './claim.ts';
import { saveMove } from './move-journal.ts';
import { guestProcess } from './monitor.ts';

export interface MoveRequest {
  /** Absolute; it is made where it is missing. */
  readonly directory: string;
  /** Null: as fast as it can be. */
  readonly bytesPerSecond: number | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Begins to move all data of a running VM into a directory, or goes on with it. What goes on afterwards takes nobody: QEMU copies, and who
 * looks after the VM finishes it.
 * @throws SendenseError `boot.unknown`, `boot.busy`, `boot.off`, `boot.failed`, `file.exists`, `disk.full`
 */
export const beginMove = (
  access: RepositoryAccess,
  id: string,
  { directory, bytesPerSecond, signal }: MoveRequest,
): Promise<void> =>
  withBoot(access.state, id, async (row) => {
    const before = moveOf(row);
    if (before && before.directory !== directory)
      throw new SendenseError(
        'boot.failed',
        `the data of ${id} ${row.state === 'moved' ? 'has moved' : 'is moving'} to ${before.directory} already`,
      );
    if (row.state === 'moved') return;
    if ((await guestProcess(row.folder)) === null)
      throw new SendenseError('boot.off', `${id} is off, and its data moves while it runs`);
    if (before) return goOn(access, row, { ...before, bytesPerSecond });
    const move: BootMove = {
      directory,
      begun: Date.now(),
      bytesPerSecond,
      disks: bootMachineOf(row).disks.map(({ number }) => ({
        number,
        path: join(directory, `disk-${number}.qcow2`),
        state: 'waiting',
      })),
    };
    await assertApart(access, row.repository, directory);
    for (const { path } of move.disks)
      if (await isNamed(path)) throw new SendenseError('file.exists', `${path} exists already`);
    await assertRoom(access, row, { directory, signal });
    // Last: what is refused leaves no folder behind.
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    return goOn(access, row, { ...move, made: made !== undefined });
  });

async function goOn(access: RepositoryAccess, row: BootRow, move: BootMove): Promise<void> {
  await saveMove(access.state, row, move);
  return advanceMove(access, { ...row, move: JSON.stringify(move) });
}

async function assertRoom(
  access: RepositoryAccess,
  { repository, context, backup_id: backupId, folder }: BootRow,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const point = findPoint(access.state, { repository, context, backupId });
  const root = access.repositoryPath(repository);
  const keys = await access.imageKeys(repository);
  let needed = 0;
  for (const disk of point?.disks ?? []) {
    const image = await imageTarget(join(root, imagePath(context, disk.number, backupId)), { key: keys.of(disk) });
    needed += (await measureImage(image, signal)) + (await writtenBytes(join(folder, overlayName(disk.number))));
  }
  const free = await freeBytes(await nearestFolder(directory));
  if (free < needed)
    throw new SendenseError(
      'disk.full',
      `${directory} has ${sizeText(free)} free, and the disks need ${sizeText(needed)}`,
    );
}
