import { getCACertificates, type ConnectionOptions } from 'node:tls';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { PinnedAddress } from '../connect-pinned.ts';
import { connectPatiently } from '../connect-patiently.ts';

/**
 * PEM of what another program has to trust, and nothing else, so that it takes the servers that we take: for a pinned server
 * its certificate itself. Null where that program would refuse what we accept: a pinned certificate that is made for another
 * name, say, or has expired.
 * @throws SendenseError `vsphere.tls`, `vsphere.unreachable`; on abort the signal's reason
 */
export async function trustedAuthorities(address: PinnedAddress, signal?: AbortSignal): Promise<string | null> {
  const { host, port, thumbprint, ca } = address;
  if (thumbprint === null) return ca ?? getCACertificates('default').join('\n');
  const connect = (to: PinnedAddress, more?: ConnectionOptions) => connectPatiently(to, signal, more);
  const socket = await connect(address);
  const pem = socket.getPeerX509Certificate()?.toString() ?? null;
  socket.destroy();
  if (pem === null) return null;
  try {
    // OpenSSL judges here as it will there: name, dates, purpose, and a trusted certificate that nobody of us has signed.
    (await connect({ host, port, thumbprint: null, ca: pem }, { allowPartialTrustChain: true })).destroy();
    return pem;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SendenseError && error.code === 'vsphere.tls') return null;
    throw error;
  }
}
