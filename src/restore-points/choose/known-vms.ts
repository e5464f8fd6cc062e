import { contextsIn } from '../../repository/stored-files/read-context.ts';
import { ownerOf } from '../../repository/vm-identity.ts';
import { contextsOf } from '../../state/points/vm-disks.ts';
import { ownedPoints } from './owned-points.ts';
import type { RepositoryAccess } from '../repository-access.ts';

export interface KnownVm {
  readonly context: string;
  /** The VM to which the name belongs; null: its restore points do not say. */
  readonly identity: string | null;
  /** When the newest restore point was created, milliseconds since the epoch. */
  readonly newest: number;
}

/** Which VM each name of a repository belongs to, also where the database has lost it. */
export async function knownVms({ state, repositoryPath }: RepositoryAccess, repository: string): Promise<KnownVm[]> {
  const root = repositoryPath(repository);
  const contexts = new Set([...contextsOf(state, repository), ...(await contextsIn(root).catch(() => []))]);
  const found: KnownVm[] = [];
  for (const context of contexts) {
    const points = await ownedPoints(state, root, { repository, context });
    const newest = points.at(-1);
    if (newest) found.push({ context, identity: ownerOf(points), newest: newest.created });
  }
  return found;
}
