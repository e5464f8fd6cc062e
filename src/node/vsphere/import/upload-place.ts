import { SendenseError } from '../../../errors/sendense-error.ts';
import type { VsphereSourceSpec } from '../../../schemas/types.ts';
import { hasControls } from '../transports/datastore-file.ts';
import type { PinnedAddress } from '../connect-pinned.ts';

/** Where a disk of an import is sent to, and how that proves itself. */
export interface UploadPlace {
  readonly address: PinnedAddress;
  /** Path and query. They hold the right to write the disk: a secret. */
  readonly path: string;
  /** It is the server that the session is with; no other gets the session's cookie. */
  readonly isOurs: boolean;
}

/**
 * The place that the URL of a lease names. `*` stands for the server that was asked (vSphere API reference, HttpNfcLeaseDeviceUrl). Of
 * another host the certificate must be the one that this server names, or else be signed by an authority that counts for the source.
 * @param thumbprint of that host, as the server says it; empty or null: it says none
 * @throws SendenseError `vsphere.protocol`
 */
export function uploadPlace(
  url: string,
  thumbprint: string | null,
  spec: Pick<VsphereSourceSpec, 'host' | 'port' | 'thumbprint' | 'ca'>,
): UploadPlace {
  const parsed = URL.parse(url.replace('://*', `://${anyHost}`));
  if (parsed?.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '' || hasControls(url))
    throw new SendenseError(
      'vsphere.protocol',
      `${spec.host} names no place that a disk can be sent to (https://…): ${JSON.stringify(withoutPath(url))}`,
    );
  const path = `${parsed.pathname}${parsed.search}`;
  const host = parsed.hostname.replaceAll(/^\[|\]$/g, '');
  const port = parsed.port === '' ? 443 : Number(parsed.port);
  const { host: ours, port: ourPort, ca } = spec;
  if (host === anyHost || (host === ours.toLowerCase() && port === ourPort))
    return { address: { host: ours, port: ourPort, thumbprint: spec.thumbprint, ca }, path, isOurs: true };
  return { address: { host, port, thumbprint: thumbprint || null, ca }, path, isOurs: false };
}

const anyHost = 'any.invalid';

const withoutPath = (url: string): string => /^[^/]*\/\/[^/]{0,200}/.exec(url)?.[0] ?? url.slice(0, 20);
