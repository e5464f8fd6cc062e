import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parentOfIndex } from '../../blocks/index-parent.ts';
import { exists } from '../../host/files/files.ts';
import { backingNameOf } from '../../host/images/qcow2-header.ts';
import { manifestPath } from '../../repository/layout.ts';
import { manifestIds } from '../../repository/manifest-ids.ts';
import { findOrphans } from '../../repository/stored-files/find-orphans.ts';
import { recogniseName } from '../../repository/stored-files/recognise.ts';
import { moveToTrash, trashName } from '../../repository/stored-files/trash.ts';
import { assertHeld } from '../../repository/vm-lock/fenced.ts';
import { points } from '../../state/points/restore-points.ts';
import { claimedFiles } from '../claimed-files.ts';
import type { MergeWork } from './merge-work.ts';

/**
 * Which of the files that no manifest names are meant. `blocking`: what is built on a restore point, which keeps that one from going.
 * `left`: also every image that was not sealed. A sealed one that blocks nothing may be half of a copy, which goes on with it.
 */
export type Which = 'blocking' | 'left';

type Folder = Pick<MergeWork, 'state' | 'vm' | 'root' | 'signal'>;

/**
 * Files of backups that were begun and never committed, relative to the repository. Whoever holds the VM's lock has the highest fence, so
 * no run that began one of them can commit it any more. Runs of this hub clean up after themselves, so what their claims name does not count.
 * Changes nothing.
 */
export async function unfinishedFiles({ state, vm, root, signal }: Folder, which: Which): Promise<string[]> {
  const { repository, context } = vm;
  const ids = await begunIn(root, context, which);
  if (ids.size === 0) return [];
  const { orphans } = await findOrphans({
    root,
    context,
    known: new Set(points(state, vm).map(({ backup_id: id }) => id)),
    claimed: claimedFiles(state, repository),
    now: Date.now(),
    overtaken: true,
    signal,
  });
  return orphans
    .filter(({ kind, backupId }) => kind !== 'part' && kind !== 'marks' && backupId !== null && ids.has(backupId))
    .map(({ path }) => path);
}

/** Puts aside what {@link unfinishedFiles} names. @throws SendenseError `run.overtaken` */
export async function clearUnfinished(work: Folder & Pick<MergeWork, 'hold' | 'log'>, which: Which): Promise<string[]> {
  const { root, vm, hold, log } = work;
  const cleared: string[] = [];
  const folder = trashName(Date.now());
  for (const path of await unfinishedFiles(work, which)) {
    await assertHeld(hold);
    const id = recogniseName(path)?.backupId ?? '';
    // Asked of the file server once more, for a listing may be an old one.
    if (await exists(join(root, manifestPath(vm.context, id)))) continue;
    await moveToTrash(root, folder, path, hold);
    cleared.push(path);
    log(`moved ${path} to .sendense/trash: the run that began it lost the lock of the VM and can no longer commit it`);
  }
  return cleared;
}

/** Backup ids of images and block indexes without a manifest. */
async function begunIn(root: string, context: string, which: Which): Promise<Set<string>> {
  const found = new Set<string>();
  const entries = await readdir(join(root, context), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const committed = entries.length === 0 ? new Set() : await manifestIds(root, context);
  for (const folder of entries) {
    if (!folder.isDirectory()) continue;
    for (const { name } of await readdir(join(root, context, folder.name), { withFileTypes: true })) {
      const path = join(context, folder.name, name);
      const id = recogniseName(path)?.backupId ?? null;
      if (id === null || committed.has(id) || found.has(id)) continue;
      if ((await isBuiltOnAnother(join(root, path))) || (which === 'left' && (await isUnsealed(join(root, path)))))
        found.add(id);
    }
  }
  return found;
}

/** What cannot be read is left to whoever says so. */
async function isBuiltOnAnother(file: string): Promise<boolean> {
  if (file.endsWith('.qcow2')) return (await backingNameOf(file).catch(() => null)) != null;
  return file.endsWith('.index') && (await parentOfIndex(file).catch(() => null)) !== null;
}

async function isUnsealed(file: string): Promise<boolean> {
  if (!file.endsWith('.qcow2')) return false;
  const info = await lstat(file).catch(() => null);
  return info !== null && info.isFile() && (info.mode & 0o222) !== 0;
}

/** In words, why a restore point stays on which such a file is built. */
export const strayReason = (path: string): string =>
  `${path} is built on it and belongs to no restore point; \`sendense-run repo gc --dry-run\` says why ${path} stays`;
