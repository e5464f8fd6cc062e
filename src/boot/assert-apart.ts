import { SendenseError } from '../errors/sendense-error.ts';
import { isWithin, realFolder } from '../host/files/future-folder.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { listBoots } from '../state/boots/boots.ts';

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
    if (isWithin(wanted, await realFolder(path))) refuse(`the repository ${path}`);
  }
  for (const boot of listBoots(state))
    if (isWithin(wanted, await realFolder(boot.folder))) refuse(`${boot.folder}, the folder of ${boot.id}`);
}
