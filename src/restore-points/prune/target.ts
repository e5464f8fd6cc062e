import { SendenseError } from '../../errors/sendense-error.ts';
import { keepsNothing } from '../../plan/checks/check-retention.ts';
import { selectVms } from '../../repository/match-vm.ts';
import { findRepository } from '../../repository/open-repository.ts';
import type { PrunedVm } from './decide-vm.ts';
import type { PointsPruneInput } from '../../schemas/types.ts';
import { points } from '../../state/points/restore-points.ts';
import { contextsOf } from '../../state/points/vm-disks.ts';
import type { RepositoryAccess } from '../repository-access.ts';

export interface PruneTarget {
  readonly vms: readonly PrunedVm[];
  /** Patterns that no VM fits. */
  readonly unmatched: readonly string[];
}

/**
 * The VMs that a prune is about.
 * @throws SendenseError `repository.unusable` where it is not there, `prune.refused` for a policy that keeps nothing
 */
export async function pruneTarget(services: RepositoryAccess, input: PointsPruneInput): Promise<PruneTarget> {
  const { repository, retention = null, remove = null } = input;
  if (retention === null ? remove === null : keepsNothing(retention as Readonly<Record<string, unknown>>))
    throw new SendenseError('prune.refused', 'the retention has no rule that keeps a restore point');
  const root = services.repositoryPath(repository);
  if (!(await findRepository(repository, root)))
    throw new SendenseError('repository.unusable', `repository ${repository}: there is none at ${root}`);
  if (retention === null) return { vms: vmsOf(services, input, root), unmatched: [] };
  const { names, unmatched } = selectVms(contextsOf(services.state, repository), input.vms ?? undefined);
  return { vms: names.map((context) => ({ repository, root, context })), unmatched };
}

/** The VMs that restore points which somebody names are of. @throws SendenseError `point.unknown` */
function vmsOf({ state }: RepositoryAccess, { repository, remove }: PointsPruneInput, root: string): PrunedVm[] {
  const contexts = (remove ?? []).map((backupId) => {
    const [point] = points(state, { repository, backupId });
    if (point) return point.vm.context;
    throw new SendenseError('point.unknown', `there is no restore point ${backupId} in repository ${repository}`);
  });
  return [...new Set(contexts)].map((context) => ({ repository, root, context }));
}

/** Where the retention names no time zone of its own. */
export const zoneOf = ({ timezone }: PointsPruneInput): string => timezone ?? 'UTC';
