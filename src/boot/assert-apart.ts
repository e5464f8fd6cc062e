import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { listBoots } from '../state/boots/boots.ts';

/** Where a folder that may not be there yet will be, without links. */
export async function realFolder(folder: string): Promise<string> {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const rest = relative(there, folder);
  return rest === '' ? await realpath(there) : `${await realpath(there)}/${rest}`;
}

/** Whether a folder is another one or lies in it; both without links. */
export const isIn = (folder: string, other: string): boolean => `${folder}/`.startsWith(`${other}/`);

/**
 * Disks of a VM go neither into a repository, where every file is a restore point's, nor into the folder of a VM, which goes away with it.
 * @param repository name of the one that the VM is of
 * @throws SendenseError `boot.failed`
 */
export async function assertApart(
  { state, settings, repositoryPath }: Pick<RepositoryAccess, 'state' | 'settings' | 'repositoryPath'>,
  repository: string,
  folder: string,
): Promise<void> {
  const wanted = await realFolder(folder);
  const refuse = (what: string): never => {
    throw new SendenseError('boot.failed', `${folder} lies inside ${what}; nothing was made`, {
      remedy: 'Name a folder outside of it.',
    });
  };
  for (const name of new Set([repository, ...Object.keys(settings.repositories)])) {
    const path = repositoryPath(name);
    if (isIn(wanted, await realFolder(path))) refuse(`the repository ${path}`);
  }
  for (const boot of listBoots(state))
    if (isIn(wanted, await realFolder(boot.folder))) refuse(`${boot.folder}, the folder of ${boot.id}`);
}
