import { SendenseError } from '../../errors/sendense-error.ts';
import { findRepository } from '../../repository/open-repository.ts';
import type { ImportOutput } from '../../schemas/types.ts';
import { keepRepositoryId } from '../../state/points/repository-ids.ts';
import { hasPoints } from '../../state/points/restore-points.ts';
import type { Services } from '../../steps/services.ts';
import { forgetRepository } from './forget-repository.ts';
import type { ImportOptions } from './import-options.ts';
import { importRepository } from './import-repository.ts';

/** Imports a repository of the settings; forgets one that they do not name any more. @throws SendenseError `repository.unusable` where its folder has none */
export async function importNamed(
  { state, settings, repositoryPath }: Pick<Services, 'state' | 'settings' | 'repositoryPath'>,
  name: string,
  { forgetMissing = false, signal }: Pick<ImportOptions, 'forgetMissing' | 'signal'>,
): Promise<ImportOutput> {
  if (forgetMissing && !Object.hasOwn(settings.repositories, name) && hasPoints(state, name))
    return forgetRepository(state, name);
  const root = repositoryPath(name);
  const found = await findRepository(name, root);
  if (!found) throw new SendenseError('repository.unusable', `repository ${name}: there is none at ${root}`);
  keepRepositoryId(state, name, found.id, { replace: true });
  return importRepository({ state, repository: name, root, forgetMissing, signal });
}
