import { SendenseError } from '../errors/sendense-error.ts';
import { notReadable } from '../restore-points/choose/left-out.ts';
import type { Hub } from '../hub/hub.ts';
import { unknownName } from './find-target.ts';

/**
 * The only repository that has restore points of a VM.
 * @throws SendenseError `point.unknown`, `usage`
 */
export async function onlyRepository(hub: Hub, vm: string, rescued?: string): Promise<string> {
  const points = await hub.lines({});
  const found = [...new Set(points.filter((point) => point.vm === vm).map(({ repository }) => repository))];
  const [only, ...others] = found;
  if (only === undefined)
    throw notReadable(hub.leftOut(undefined), vm) ?? unknownName(points, vm, 'no VM with restore points', rescued);
  if (others.length === 0) return only;
  throw new SendenseError(
    'usage',
    `several repositories have VM ${vm}: ${found.join(', ')}; name one with --repository`,
  );
}
