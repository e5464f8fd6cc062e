import { SendenseError } from '../../errors/sendense-error.ts';
import type { RestoredPoint } from '../../schemas/types.ts';
import { whyUnfit } from '../../restore-points/choose/why-unfit.ts';
import type { RestoredFrom } from '../../targets/target-kind.ts';
import type { Services } from '../services.ts';

/** What a restore reads, of a repository by its name. Without one, a target that reads is told that the step lacks it. */
export function restoredFrom(services: Services, repository: string | undefined, point?: RestoredPoint): RestoredFrom {
  const named = (): string => {
    if (repository !== undefined) return repository;
    throw new SendenseError('plan.invalid', 'the step does not say which repository the restore point is in', {
      remedy: 'Add `repository: ${{ plan.repository }}` to the inputs of the step.',
    });
  };
  const own = (): RestoredPoint => {
    if (point) return point;
    throw new SendenseError('plan.invalid', 'the step does not say which restore point it restores', {
      remedy: 'Add `point` to the inputs of the step, as runners/restore.yaml has it.',
    });
  };
  return {
    path: () => services.repositoryPath(named()),
    keys: async () => services.imageKeys(named()),
    point: own,
    whyUnfit: async (backupId) => {
      const name = named();
      const place = { repository: name, root: services.repositoryPath(name), keys: await services.imageKeys(name) };
      return whyUnfit(services.state, place, { context: own().vm, backupId });
    },
  };
}
