import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parentOfIndex } from '../../blocks/index-parent.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder } from '../../host/files/files.ts';
import { backingNameOf } from '../../host/images/qcow2-header.ts';
import { lift, set } from '../../repository/stored-files/immutable.ts';
import { manifestPath } from '../../repository/layout.ts';
import { filesOfIntent } from '../../repository/merge/intent.ts';
import { removeFile } from '../../repository/vm-lock/fenced.ts';
import type { MergeIntent } from '../../schemas/types.ts';
import { pathsOf } from './merge-disk.ts';
import { knownPoints, type MergeWork } from './merge-work.ts';

/**
 * The files of restore points that are gone, when nothing needs them any more.
 * @throws SendenseError `repository.damaged` where something still does: nothing was removed then
 */
export async function removeFiles(work: MergeWork, intent: MergeIntent): Promise<void> {
  const { root, vm, freed, hold, signal } = work;
  const paths = intent.removed.flatMap(({ files }) => files.map((file) => join(vm.context, file)));
  await assertUnneeded(work, intent, paths);
  const own = new Set(paths);
  // What is half-made goes, too; the intent itself is the last.
  const parts = [...filesOfIntent(intent)].filter((path) => /\.(?:qcow2|index|json)\.sendense-part$/.test(path));
  const locked = await lift(
    [...own].map((path) => join(root, path)),
    signal,
  );
  for (const path of [...own, ...parts]) {
    if (path.endsWith('.qcow2')) await freed.hold(join(root, path));
    await removeFile(hold, join(root, path));
  }
  for (const folder of new Set([...own].map((path) => join(root, dirname(path))))) {
    await fsyncFolder(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  // A merged file was the lowest of those that went, and may have had both names until now.
  const merged = (intent.child?.disks ?? []).map((disk) => pathsOf(work, intent.name, disk));
  await set(
    merged.filter(({ lowest }) => locked.includes(lowest)).map(({ image }) => image),
    signal,
  );
}

async function assertUnneeded(work: MergeWork, intent: MergeIntent, paths: readonly string[]): Promise<void> {
  const { root, vm } = work;
  const gone = new Set(intent.removed.map(({ backup_id: id }) => id));
  const needed = (who: string, what: string): SendenseError =>
    new SendenseError('repository.damaged', `${who} is built on ${what}, which was to be removed; nothing was`);
  const { all } = await knownPoints(work);
  for (const { backup_id: id, disks } of all) {
    if (gone.has(id)) throw needed(manifestPath(vm.context, id), id);
    const parent = disks.find((disk) => disk.parent !== null && gone.has(disk.parent))?.parent;
    if (parent != null) throw needed(id, parent);
  }
  const [built] = await builtOn(root, paths, new Set());
  if (built) throw needed(built.path, built.backing);
  const [index] = await indexesOn(root, paths, new Set());
  if (index) throw needed(index.path, index.parent);
}

/**
 * Block indexes, not among `paths` themselves, that refer to one that is. What cannot be read without its key refers to its own chain.
 * @param except backup ids whose indexes do not count
 */
export async function indexesOn(
  root: string,
  paths: readonly string[],
  except: ReadonlySet<string>,
): Promise<{ path: string; parent: string }[]> {
  const indexes = new Set(paths.filter((path) => path.endsWith('.index')));
  const found: { path: string; parent: string }[] = [];
  for (const folder of new Set([...indexes].map(dirname))) {
    for (const name of await namesIn(join(root, folder), '.index')) {
      const path = join(folder, name);
      if (indexes.has(path) || except.has(basename(name, '.index'))) continue;
      const below = await parentOfIndex(join(root, path)).catch(() => null);
      const parent = below && join(folder, `${below.name}.index`);
      if (parent !== null && indexes.has(parent)) found.push({ path, parent });
    }
  }
  return found;
}

const namesIn = async (folder: string, suffix: string): Promise<string[]> =>
  (
    await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    })
  ).filter((name) => name.endsWith(suffix));

/**
 * Images, not among `paths` themselves, whose backing file is. Paths are relative to the repository.
 * @param except backup ids whose images do not count
 */
export async function builtOn(
  root: string,
  paths: readonly string[],
  except: ReadonlySet<string>,
): Promise<{ path: string; backing: string }[]> {
  const images = new Set(paths.filter((path) => path.endsWith('.qcow2')));
  const found: { path: string; backing: string }[] = [];
  for (const folder of new Set([...images].map(dirname))) {
    for (const name of await namesIn(join(root, folder), '.qcow2')) {
      const path = join(folder, name);
      if (images.has(path) || except.has(basename(name, '.qcow2'))) continue;
      const backing = await backingNameOf(join(root, path));
      if (backing != null && images.has(join(folder, basename(backing)))) found.push({ path, backing });
    }
  }
  return found;
}
