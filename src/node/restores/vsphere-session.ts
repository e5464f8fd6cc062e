import { SendenseError } from '../../errors/sendense-error.ts';
import type { Source, VsphereSourceSpec } from '../../schemas/types.ts';
import type { JobPlace } from '../../sources/open-source.ts';
import { asVsphere } from '../../sources/vsphere/as-vsphere.ts';
import { loginOf } from '../sources/index.ts';
import { addressOf } from '../sources/vsphere/vsphere-address.ts';
import { connectVsphere } from '../vsphere/connect.ts';
import { refusedLogins, type RefusedLogins } from '../vsphere/refused-logins.ts';
import type { TransportContext } from '../vsphere/transports/transport.ts';
import type { Vsphere } from '../vsphere/vsphere.ts';

/** What every request about a restore to vSphere says. */
export interface RestoreRequest {
  readonly source: Source;
  readonly vcenter_user?: string | null;
  readonly vcenter_password?: string | null;
}

/** A session at the place that a restore goes to. */
export interface RestoreSession extends AsyncDisposable {
  readonly vsphere: Vsphere;
  readonly spec: VsphereSourceSpec;
  /** What its disks are written and read with, by a job. */
  contextOf(place: JobPlace): TransportContext;
}

/** @throws SendenseError `request.invalid`, `vsphere.*` */
export async function openSession(
  request: RestoreRequest,
  refused: RefusedLogins = refusedLogins(),
  signal?: AbortSignal,
): Promise<RestoreSession> {
  const source = asVsphere(request.source);
  if (source === null)
    throw new SendenseError('request.invalid', '/source is not of type vsphere', {
      details: { field: '/source/type' },
    });
  const address = addressOf(source, loginOf(request, refused));
  const vsphere = await connectVsphere(address, { signal });
  // A stored credential brings its own user.
  const spec = { ...source, user: address.user };
  return {
    vsphere,
    spec,
    contextOf: ({ jobFolder, socketFolder, signal: ofJob, warn, log, activity }) => ({
      spec,
      password: () => address.password,
      cookie: (old) => vsphere.cookie(old),
      vddkLogins: refused,
      jobFolder,
      socketFolder,
      signal: ofJob,
      warn,
      waiting: (what) => {
        if (what !== null) log(what);
        activity(what);
      },
    }),
    [Symbol.asyncDispose]: () => vsphere[Symbol.asyncDispose](),
  };
}
