import { connectPatiently } from './connect-patiently.ts';
import { hexOf, type PinnedAddress } from './connect-pinned.ts';

/**
 * SHA-1 of the server's certificate, `AA:BB:…`, as VMware's disk library wants it, from a connection that was checked
 * against what is configured.
 */
export async function presentedSha1(address: PinnedAddress, signal?: AbortSignal): Promise<string> {
  const digits = hexOf(address.thumbprint ?? '');
  if (digits.length === 40) return (digits.match(/../g) ?? []).join(':');
  const socket = await connectPatiently(address, signal);
  try {
    return socket.getPeerCertificate().fingerprint.toUpperCase();
  } finally {
    socket.destroy();
  }
}
