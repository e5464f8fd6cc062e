import { lstatSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { writerIn } from '../host/files/pinned-folder.ts';
import { distrustOfFacts, distrustOfFolder, type Distrust } from '../host/trust/distrust-of.ts';
import { strayFolder } from './stray-folder.ts';

/**
 * Files of a repository are written by name: who else could write to one of its folders, or to one above it, could put links in their place,
 * and take restore points away. A folder that is not there yet is fine if nobody else can make it.
 * @param group one that may write, too; `any`: groups are not looked at
 * @throws SendenseError `repository.unusable`
 */
export function assertOwnRepository(root: string, group?: number | 'any'): void {
  const distrust = distrustOfFolder(resolve(root), { group, writerIn });
  if (distrust !== null) throw unusable(distrust);
}

/**
 * Whether the folders below the repository that lead to `folder` are its own: each is a folder, no link, and only this user, root and the
 * owner of the repository can write to it. Folders that are not there yet are fine.
 * @param folder relative to the repository
 * @throws SendenseError `repository.unusable`
 */
export async function assertOwnFolder(root: string, folder: string): Promise<void> {
  assertOwnRepository(root, 'any');
  const why = strayFolder(root, join(folder, 'any'));
  if (why !== null) {
    throw new SendenseError('repository.unusable', `${join(root, folder)} ${why}`, {
      remedy:
        'Sendense does not follow links in a repository, so it would not find the restore points there. Replace the link with a folder: move its target back, or mount the target there (mount --bind).',
    });
  }
  const owner = statSync(root, { throwIfNoEntry: false });
  if (!owner) return;
  const group = (owner.mode & 0o020) === 0 ? undefined : owner.gid;
  for (let path = folder; path !== '.'; path = dirname(path)) {
    const facts = lstatSync(join(root, path), { throwIfNoEntry: false });
    // It may be a file system of its own.
    const writer = facts && { device: facts.dev, uid: owner.uid };
    const distrust = facts && distrustOfFacts(join(root, path), facts, { writer, group });
    if (distrust) throw unusable(distrust);
  }
}

const unusable = ({ message, remedy }: Distrust): SendenseError =>
  new SendenseError('repository.unusable', `Sendense writes nothing to the repository: ${message}`, {
    remedy: `${remedy}. Or choose a repository folder that only you can write to: docs/repository.md, "Whose folder it is".`,
  });
