import { SendenseError } from '../../../errors/sendense-error.ts';
import type { VsphereSourceSpec } from '../../../schemas/types.ts';
import type { VsphereAddress } from '../../vsphere/connect.ts';
import type { Login } from '../source.ts';

/** @throws SendenseError `request.invalid` where nobody says who logs in */
export function addressOf(spec: VsphereSourceSpec, login: Login | null): VsphereAddress {
  const user = login?.user || spec.user;
  if (login === null || user === '') {
    const field = login === null ? '/vcenter_password' : '/vcenter_user';
    throw new SendenseError('request.invalid', `${field} is needed to log in at ${spec.host}`, { details: { field } });
  }
  const { host, port, thumbprint, ca } = spec;
  return { host, port, user, password: login.password, thumbprint, ca, refused: login.refused };
}
