import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { ProtectionRequest, ProtectOutput } from '../../../schemas/types.ts';
import { defineRoute, type HubParts } from '../route.ts';

const id = { id: { description: 'Id of the restore point.', logAs: 'backup_id' } } as const;
const repository = { repository: { description: 'Where several repositories have it.' } } as const;
const answers = { 200: { description: 'What holds it now.', schema: 'output/protect.json' } } as const;
const errors = ['point.unknown', 'repository.unusable'] as const;

type PointCall = Pick<Call<HubParts, unknown>, 'params' | 'query'>;

const pointOf = ({
  params,
  query,
}: PointCall): { readonly point: string; readonly repository: string | undefined } => ({
  point: params['id'] ?? '',
  repository: query['repository'],
});

export const protectBackup = defineRoute<ProtectionRequest>({
  id: 'protectBackup',
  method: 'PUT',
  path: '/api/v1/backups/{id}/protection',
  tag: 'backups',
  summary: 'Keep a restore point whatever a policy says',
  description: 'As `sendense-run protect`.',
  right: 'keep',
  params: id,
  query: repository,
  body: { schema: 'hub/protection.json', bytes: 4096 },
  answers,
  errors,
  async handle(call): Promise<ProtectOutput> {
    const { until, reason = '' } = call.body;
    if (until !== null && until <= Date.now())
      throw new SendenseError('request.invalid', 'until is over already', { details: { field: 'until' } });
    return await call.parts.hub.retention.protect({ ...pointOf(call), until, reason, by: call.caller.name });
  },
});

export const unprotectBackup = defineRoute({
  id: 'unprotectBackup',
  method: 'DELETE',
  path: '/api/v1/backups/{id}/protection',
  tag: 'backups',
  summary: 'Let the policies decide about a restore point again',
  description: 'As `sendense-run unprotect`.',
  right: 'keep',
  fresh: true,
  params: id,
  query: repository,
  answers,
  errors,
  handle: async (call): Promise<ProtectOutput> => await call.parts.hub.retention.unprotect(pointOf(call)),
});
