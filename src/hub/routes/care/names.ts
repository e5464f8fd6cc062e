import { SendenseError } from '../../../errors/sendense-error.ts';
import type { AdoptOutput, HubAdoptRequest, HubForgetBoot, ProtectOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';

export const adoptVm = defineRoute<HubAdoptRequest>({
  id: 'adoptVm',
  method: 'POST',
  path: '/api/v1/vms/{vm}/adopt',
  tag: 'vms',
  right: 'keep',
  vms: 'heeded',
  summary: 'Say that the restore points under a name are of this VM',
  description: 'As `sendense-run adopt VM --identity UUID`. Again is fine.',
  params: { vm: { description: 'Name of the VM.', logAs: 'vm' } },
  body: { schema: 'hub/adopt-start.json', bytes: 4096 },
  answers: { 200: { description: 'What was marked.', schema: 'output/adopt.json' } },
  errors: ['point.unknown', 'usage', 'run.locked', 'repository.unusable'],
  logOf: ({ identity }) => ({ identity }),
  async handle({ parts, params: { vm = '' }, body: { identity, repository }, caller }): Promise<AdoptOutput> {
    if (!caller.mayVm(vm)) throw new SendenseError('point.unknown', `VM ${vm} has no restore points`);
    return await parts.hub.adopt({ vm, identity, repository, by: caller.name });
  },
});

export const forgetBoot = defineRoute<HubForgetBoot>({
  id: 'forgetBoot',
  method: 'POST',
  path: '/api/v1/backups/{id}/forget-boot',
  tag: 'backups',
  right: 'keep',
  fresh: true,
  summary: 'No VM of another hub runs from a restore point any more',
  description:
    'As `sendense-run unprotect --forget-boot`. Only where that hub, or what the guest wrote there, is gone for good: without its restore point the VM is lost.',
  params: { id: { description: 'Id of the restore point.', logAs: 'backup_id' } },
  query: { repository: { description: 'Where several repositories have it.' } },
  body: { schema: 'hub/forget-boot.json', bytes: 1024 },
  answers: { 200: { description: 'What holds it now.', schema: 'output/protect.json' } },
  errors: ['point.unknown', 'boot.unknown', 'usage', 'repository.unusable'],
  logOf: ({ boot }) => ({ boot }),
  handle: async ({ parts, params, query, body: { boot } }): Promise<ProtectOutput> =>
    await parts.hub.retention.forgetBoot({ point: params['id'] ?? '', repository: query['repository'], boot }),
});
