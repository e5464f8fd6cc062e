import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imagePath } from '../../../src/repository/layout.ts';
import { noKeys } from '../../../src/repository/image-keys.ts';
import { writeIntent } from '../../../src/repository/merge/intent.ts';
import { planUnits } from '../../../src/repository/merge/plan-units.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { advance } from '../../../src/restore-points/merge/advance.ts';
import { claimed } from '../../../src/restore-points/merge/finish-merges.ts';
import { prepareUnit } from '../../../src/restore-points/merge/prepare-unit.ts';
import type { StepBench } from '../../steps/step-bench.ts';

/**
 * Begins to merge a restore point into the one that is built on it, and is cut off when the manifest is gone and nothing
 * is copied yet.
 * @param options.lost the image of what goes is lost, too
 */
export async function cutOffRemoval(
  { state, services }: StepBench,
  id: string,
  { repository = 'primary', lost }: { readonly repository?: string; readonly lost: boolean },
): Promise<void> {
  const vm = { repository, context: 'pgtest1' };
  const root = services.repositoryPath(repository);
  const [unit] = planUnits(points(state, vm), new Set([id])).units;
  if (!unit) throw new Error('nothing to remove');
  const keys = {
    ...noKeys,
    of: () => {
      throw new Error('killed here');
    },
  };
  const request = { state, vm, root, keys: noKeys, log: () => undefined, progress: () => undefined };
  const killed = claimed(request, async (work) => {
    const intent = await writeIntent(work.hold, await prepareUnit(work, unit));
    await advance({ ...work, keys }, intent);
  });
  const error = await killed.then(
    () => null,
    (reason: Error) => reason.message,
  );
  if (error !== 'killed here') throw new Error(`it ended otherwise: ${error}`);
  if (lost) await rm(join(root, imagePath(vm.context, 0, id)));
}
