import { SendenseError } from '../errors/sendense-error.ts';
import type { Hub, PointFilter } from '../hub/hub.ts';
import { didYouMean } from '../plan/did-you-mean.ts';
import type { ListOutput } from '../schemas/types.ts';

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
  const found = targetIn(points, name);
  if (found) return { ...found, repository };
  throw unknownName(points, name, 'no VM and no restore point');
}

/** A VM of that name, else a restore point of that id. */
export function targetIn(points: ListOutput['points'], name: string): { vm: string } | { point: string } | undefined {
  if (points.some(({ vm }) => vm === name)) return { vm: name };
  return points.some(({ backup_id }) => backup_id === name) ? { point: name } : undefined;
}

/** `point.unknown`, with what may have been meant. @param what `no VM and no run` */
export function unknownName(points: ListOutput['points'], name: string, what: string): SendenseError {
  const near = didYouMean(name, new Set(points.flatMap(({ vm, backup_id }) => [vm, backup_id])));
  const hint = near === null ? '' : `; did you mean ${near}?`;
  const runs = what.includes('run') ? { remedy: 'See `sendense-run list` and `sendense-run status`.' } : {};
  return new SendenseError('point.unknown', `${what} has the name ${name}${hint}`, runs);
}
