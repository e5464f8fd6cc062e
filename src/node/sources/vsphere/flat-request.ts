import { SendenseError } from '../../../errors/sendense-error.ts';
import { parseHostAndPort } from '../../../schemas/host-and-port.ts';
import type { BackupStartRequest, VsphereSourceSpec } from '../../../schemas/types.ts';
import { vsphereLogin } from '../../../sources/vsphere/vsphere-login.ts';

export type FlatRequest = Pick<
  BackupStartRequest,
  'vm_path' | 'vm_name' | 'vcenter_host' | 'vcenter_user' | 'vcenter_thumbprint'
>;

/**
 * The source of a request in flat form, as the first version of the API had it: made from `vcenter_host`, `vm_path` and so on,
 * with the defaults of a plan. Other kinds have no such form.
 * @throws SendenseError `request.invalid` where there is no such host
 */
export function flatSource(request: Partial<FlatRequest>): VsphereSourceSpec {
  if (!request.vcenter_host) {
    throw new SendenseError('request.invalid', 'the request has neither source nor vcenter_host', {
      details: { field: '/source' },
    });
  }
  const address = parseHostAndPort(request.vcenter_host, 443);
  if ('fault' in address) {
    throw new SendenseError('request.invalid', `/vcenter_host: ${address.message}`, {
      details: { field: '/vcenter_host' },
    });
  }
  return {
    type: 'vsphere',
    name: request.vcenter_host,
    ...address,
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

/** Who logs in there. */
export const flatLogin = vsphereLogin.fromWire;
