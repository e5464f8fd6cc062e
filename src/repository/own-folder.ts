import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { strayFolder } from './stray-folder.ts';

/**
 * Locks, the trash and copies of state databases are written and removed below folders that somebody else may have replaced: a link
 * there would lead out of the repository. Folders that are not there yet are fine.
 * @param folder relative to the repository
 * @throws SendenseError `repository.unusable`
 */
export async function assertOwnFolder(root: string, folder: string): Promise<void> {
  const why = await strayFolder(root, join(folder, 'any'));
  if (why === null) return;
  throw new SendenseError('repository.unusable', `${join(root, folder)} ${why}`, {
    remedy: 'See who has put it there; remove it, and Sendense makes a folder in its place.',
  });
}
