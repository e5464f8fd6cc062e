import { SendenseError } from '../../errors/sendense-error.ts';
import type { BackupStartRequest, Source } from '../../schemas/types.ts';

type Request = Pick<
  BackupStartRequest,
  'source' | 'vm_path' | 'vm_name' | 'vcenter_host' | 'vcenter_user' | 'vcenter_thumbprint'
>;

/**
 * The source of a request: as it stands there, or made from the flat fields `vcenter_host`, `vm_path` and so on, with the
 * defaults of a plan.
 * @throws SendenseError `request.invalid` where there is neither
 */
export function sourceOf(request: Request): Source {
  if (request.source) return request.source;
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/.exec(request.vcenter_host ?? '');
  if (!found) {
    throw new SendenseError('request.invalid', 'the request has neither source nor vcenter_host', {
      details: { field: request.vcenter_host ? '/vcenter_host' : '/source' },
    });
  }
  return {
    type: 'vsphere',
    name: found[0],
    host: found[1] ?? found[2] ?? '',
    port: Number(found[3] ?? 443),
    user: request.vcenter_user ?? '',
    credential: null,
    thumbprint: request.vcenter_thumbprint ?? null,
    ca: null,
    path: request.vm_path ?? null,
    moref: null,
    quiesce: 'try',
    cbt: 'auto',
    foreign_snapshots: 'refuse',
    transports: ['https'],
    vddk: null,
    ssh: null,
    disks_per_host: 8,
  };
}
