import { toSendenseError } from '../../../errors/sendense-error.ts';
import type { CredentialsTested, VsphereSourceSpec } from '../../../schemas/types.ts';
import { aboutJson } from '../../vsphere/about-json.ts';
import { connectVsphere } from '../../vsphere/connect.ts';
import { missingPrivileges, privilegesFor } from '../../vsphere/privileges.ts';
import type { Login, LoginPurpose } from '../source.ts';
import { restorePrivileges } from '../../vsphere/restore-privileges.ts';
import { addressOf } from './vsphere-address.ts';

/** Logs in and asks which of the privileges that a backup or a restore needs are missing. @throws SendenseError `vsphere.*` */
export async function testLogin(
  spec: VsphereSourceSpec,
  login: Login | null,
  purpose: LoginPurpose,
  signal: AbortSignal,
): Promise<CredentialsTested> {
  const address = addressOf(spec, login);
  await using vsphere = await connectVsphere(address, { signal });
  const told = { about: aboutJson(vsphere.about) };
  try {
    const { rootFolder } = vsphere.content;
    const wanted =
      purpose === 'restore' ? restorePrivileges(spec.transports, { judged: true }) : privilegesFor(spec.transports);
    const { user, missing } = await missingPrivileges(vsphere, rootFolder ? [rootFolder] : [], wanted, signal);
    return { ...told, user: user || address.user, missing: [...missing.values()].flat(), warnings: [] };
  } catch (error) {
    signal.throwIfAborted();
    const warning = `the privileges could not be asked for: ${toSendenseError(error).message}`;
    return { ...told, user: address.user, missing: [], warnings: [warning] };
  }
}
