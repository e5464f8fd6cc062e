import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { HubPointChoose, HubPointChosen } from '../../../schemas/types.ts';
import { pointOf } from '../../acts/point-of.ts';
import { defineRoute, type HubParts } from '../route.ts';

export const choosePoint = defineRoute<HubPointChoose>({
  id: 'choosePoint',
  method: 'POST',
  path: '/api/v1/backups/choose',
  tag: 'backups',
  right: 'look',
  vms: 'heeded',
  summary: 'Which restore point of a VM is the latest, or the last before a time',
  description: 'Changes nothing. `latest` and times pass over restore points that are known to be broken.',
  changes: false,
  body: { schema: 'hub/point-choose.json', bytes: 4096 },
  answers: { 200: { description: 'The restore point.', schema: 'hub/point-chosen.json' } },
  errors: ['point.unknown', 'vm.identity', 'chain.damaged', 'repository.unusable'],
  logOf: ({ vm_name: vm }) => ({ vm }),
  async handle(call): Promise<HubPointChosen> {
    const { vm_name: vm, point = 'latest', identity } = call.body;
    const choice = typeof point === 'string' ? pointOf(point) : point;
    const repository = await repositoryOf(call);
    const { backup_id: id, why } = await call.parts.hub.choose({ vm, repository, choice, identity });
    return { version: 1, backup_id: id, repository, why };
  },
});

/** @throws SendenseError `point.unknown`, also where the caller may not know of the VM; `request.invalid` */
async function repositoryOf({ parts, body, caller }: Call<HubParts, HubPointChoose>): Promise<string> {
  const { vm_name: vm, repository } = body;
  const lines = caller.mayVm(vm) ? await parts.hub.lines({ vm, repository }) : [];
  const [first, ...others] = [...new Set(lines.map((line) => line.repository))];
  if (first === undefined)
    throw new SendenseError('point.unknown', `VM ${vm} has no restore points`, { details: { field: 'vm_name' } });
  if (others.length === 0) return first;
  throw new SendenseError('request.invalid', `${vm} is in ${[first, ...others].join(' and ')}: name the repository`, {
    details: { field: 'repository' },
  });
}
