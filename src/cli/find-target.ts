import { SendenseError } from '../errors/sendense-error.ts';
import type { Hub, PointFilter } from '../hub/hub.ts';
import { didYouMean } from '../plan/did-you-mean.ts';

/**
 * What `VM|POINT` on a command line means: a VM where one has that name, else a restore point.
 * @throws SendenseError `point.unknown`, with what may have been meant
 */
export async function findTarget(
  hub: Hub,
  name: string | undefined,
  repository: string | undefined,
): Promise<PointFilter> {
  if (name === undefined) return { repository };
  const { points } = await hub.list({ repository });
  if (points.some(({ vm }) => vm === name)) return { vm: name, repository };
  if (points.some(({ backup_id }) => backup_id === name)) return { point: name, repository };
  const near = didYouMean(name, new Set(points.flatMap(({ vm, backup_id }) => [vm, backup_id])));
  const hint = near === null ? '' : `; did you mean ${near}?`;
  throw new SendenseError('point.unknown', `no VM and no restore point has the name ${name}${hint}`);
}
