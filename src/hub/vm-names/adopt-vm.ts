import { SendenseError } from '../../errors/sendense-error.ts';
import { isName } from '../../plan/names.ts';
import { vmsUnder } from '../../repository/vm-identity.ts';
import type { AdoptOutput } from '../../schemas/types.ts';
import { points } from '../../state/points/restore-points.ts';
import { changeMarks } from '../../restore-points/hold/change-marks.ts';
import { ownedPoints } from '../../restore-points/choose/owned-points.ts';
import type { Services } from '../../steps/services.ts';
import { maintenanceRun } from '../repositories/maintenance-run.ts';

export interface AdoptRequest {
  /** Name of the VM in the repository. */
  readonly vm: string;
  /** What the VM is now: its instance uuid, or the uuid of a disk where it has none. */
  readonly identity: string;
  /** Where several repositories have the VM. */
  readonly repository?: string | undefined;
  /** Who says so. */
  readonly by: string;
}

/**
 * From now on all restore points under a name count as those of one VM. A mark beside each says so, the newest last: where it is cut off,
 * the name still belongs to the VM that had it, and what is marked already is of another one, which nobody removes.
 * @throws SendenseError `point.unknown`, `usage` where several repositories have the VM, `run.locked`
 */
export async function adoptVm(
  services: Services,
  recover: () => Promise<unknown>,
  { vm, identity, by, ...wanted }: AdoptRequest,
): Promise<AdoptOutput> {
  if (!isName(vm)) throw new SendenseError('usage', `${JSON.stringify(vm)} is no name of a VM`);
  const repository = wanted.repository ?? onlyRepository(services, vm);
  const root = await services.existingRepository(repository);
  const known = await ownedPoints(services.state, root, { repository, context: vm });
  if (known.length === 0)
    throw new SendenseError('point.unknown', `VM ${vm} has no restore points in repository ${repository}`);
  await recover();
  return maintenanceRun(services.state, { name: 'adopt', vm, repository }, async (run) => {
    await run.lock({ repository, root, context: vm });
    const key = { repository, context: vm };
    const there = await ownedPoints(services.state, root, key);
    const before = vmsUnder(there).filter((one) => one.identity !== identity);
    const others = there.filter((point) => point.identity !== identity);
    const adopted = { identity, since: Date.now(), by };
    for (const { backupId } of others) await changeMarks(services.state, root, { ...key, backupId }, { adopted });
    return {
      version: 1,
      vm,
      repository,
      identity,
      before: before.map((one) => ({ identity: one.identity, points: one.count })),
      adopted: others.map(({ backupId }) => backupId),
    };
  });
}

function onlyRepository({ state, settings }: Services, vm: string): string {
  const found = Object.keys(settings.repositories).filter(
    (name) => points(state, { repository: name, context: vm }).length > 0,
  );
  const [only, ...others] = found.length > 0 ? found : Object.keys(settings.repositories);
  if (only !== undefined && others.length === 0) return only;
  throw new SendenseError('usage', `VM ${vm} may be in several repositories: ${[only, ...others].join(', ')}`, {
    remedy: `Name one of them: --repository ${only}.`,
  });
}
