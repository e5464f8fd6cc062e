import type { HubRestoreRequest, PlanOutput, RestorePointOutput } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import type { Previewed } from './preview.tsx';
import { toOf, type Target } from './targets.ts';

/** A node may have to look into a vCenter. */
const patienceMs = 180_000;

interface Wanted {
  readonly target: Target;
  readonly point: RestorePointOutput;
  /** Several VMs have restore points under the name. */
  readonly severalVms: boolean;
}

/** What the hub says that the restore of a form would do. */
export async function askPreview(form: FormData, wanted: Wanted): Promise<Previewed> {
  const [disk, ...more] = form.getAll('disk').map(Number);
  if (form.get('what') === 'disks' && disk === undefined)
    return { state: 'incomplete', what: 'Choose at least one disk.' };
  const request = requestOf(form, wanted, disk === undefined ? {} : { disks: [disk, ...more] });
  const answer = await ask<PlanOutput>('/api/v1/restores/preview', { method: 'POST', body: request, patienceMs });
  if (answer.ok === true) return { state: 'shown', request, created: wanted.point.created, plan: answer.body };
  return answer.ok === false ? { state: 'refused', trouble: answer.trouble } : { state: 'asking' };
}

/** A restore point is named by its id: what is shown is what is restored. */
function requestOf(
  form: FormData,
  { target, point, severalVms }: Wanted,
  disks: Pick<HubRestoreRequest, 'disks'>,
): HubRestoreRequest {
  const { vm, repository, backup_id: id, identity } = point;
  return {
    vm,
    repository,
    point: id,
    ...(severalVms && identity !== null ? { identity } : {}),
    ...disks,
    to: toOf(target, form),
  };
}
