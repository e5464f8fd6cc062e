import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { freeBytes, fsyncFile, fsyncFolder } from '../../host/files/files.ts';
import { assertOwnFolder } from '../../repository/own-folder.ts';
import { removeCopy, withProof } from '../../repository/stored-files/state-copies.ts';
import { careFolder } from '../../repository/layout.ts';
import type { State } from '../../state/database/open-state.ts';

export interface CopyStateOptions {
  readonly state: State;
  /** Tells the copies of one hub from those of another that uses the same repository. */
  readonly hubId: string;
  /** Of the repository, absolute. */
  readonly root: string;
  /** Copies that stay, this one included. */
  readonly keep: number;
  readonly now: number;
}

/**
 * Copies the state database into a repository: `.sendense/state-20261121-v5-1f0c2a9b.db`, for its owner alone, proven
 * sound, in place of one of the same day and version. Beside it is its SHA-256, for `verify`.
 * @throws SendenseError `disk.full`, `state.unusable`
 */
export async function copyState(options: CopyStateOptions): Promise<{ path: string; bytes: number }> {
  const { state, root, now } = options;
  const folder = join(root, careFolder);
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
  const path = join(folder, `state-${day}-v${state.version}-${options.hubId.slice(0, 8)}.db`);
  const temporary = `${path}.sendense-part`;
  await assertOwnFolder(root, careFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await assertRoom(state.path, root);
  await rm(temporary, { force: true });
  try {
    await (await open(temporary, 'wx', 0o600)).close();
    await state.copyTo(temporary, withoutRunsUnderWay);
    await fsyncFile(temporary);
    const { size } = await stat(temporary);
    await withProof(path, temporary, async () => {
      await rename(temporary, path);
      await fsyncFolder(folder);
    });
    await removeOldest(folder, options);
    return { path, bytes: size };
  } catch (error) {
    for (const file of ['', '-journal', '-wal', '-shm']) await rm(`${temporary}${file}`, { force: true });
    throw error;
  }
}

/**
 * What goes on while the copy is made has ended when it is put back, and a recovery by what the copy says would remove
 * what it has finished since: the copy knows of no run that goes on.
 */
const withoutRunsUnderWay = [
  `UPDATE runs SET status = 'crashed', exit_code = 1, finished = max(started, unixepoch() * 1000) WHERE finished IS NULL`,
  'UPDATE runs SET unclean = 0',
  'DELETE FROM locks',
  'DELETE FROM port_leases',
  'DELETE FROM point_uses',
  // Its VMs may have written what nobody else has: by this copy, none of them is cleaned up.
  "UPDATE boots SET owner = NULL, state = CASE state WHEN 'moved' THEN 'moved' ELSE 'up' END",
  'DELETE FROM upkeep',
  // Who can read the repository must not get hashes to guess passwords by, nor sessions.
  'DELETE FROM sessions',
  'DELETE FROM users',
  'DELETE FROM tokens',
  'UPDATE nodes SET connected_since = NULL, connection = NULL, connection_owner = NULL, data = NULL',
];

/** A copy must not be what fills the disk of the backups. */
async function assertRoom(statePath: string, root: string): Promise<void> {
  const needed = (await stat(statePath)).size * 2;
  const free = await freeBytes(root);
  if (free >= needed) return;
  throw new SendenseError('disk.full', `${root} has ${free} bytes free; a copy of the state database needs ${needed}`);
}

async function removeOldest(folder: string, { keep, hubId }: CopyStateOptions): Promise<void> {
  for (const name of (await copiesIn(folder, hubId)).slice(keep)) await removeCopy(join(folder, name));
}

/** Names of the copies of a hub, newest first. */
async function copiesIn(folder: string, hubId: string): Promise<string[]> {
  const ours = new RegExp(`^state-([0-9]{8})-v([0-9]+)-${hubId.slice(0, 8)}\\.db$`);
  return (await readdir(folder))
    .flatMap((name) => {
      const [, day = '', version = ''] = ours.exec(name) ?? [];
      return day === '' ? [] : [{ name, order: Number(day) * 10_000 + Number(version) }];
    })
    .sort((a, b) => b.order - a.order)
    .map(({ name }) => name);
}
