import type { RestoredFrom } from '../../targets/target-kind.ts';
import type { Services } from '../services.ts';

/** What a restore reads, of a repository by its name. */
export const restoredFrom = (services: Services, repository: string): RestoredFrom => ({
  path: () => services.repositoryPath(repository),
  keys: () => services.imageKeys(repository),
});
