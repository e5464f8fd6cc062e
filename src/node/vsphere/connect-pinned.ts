import { isIP } from 'node:net';
import { connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from 'node:tls';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keptAlive } from '../../host/net/keep-alive.ts';

export interface PinnedAddress {
  readonly host: string;
  readonly port: number;
  /** SHA-1 or SHA-256 of the server's certificate, hex digits with or without colons. */
  readonly thumbprint: string | null;
  /** PEM of the authorities that may have signed the certificate. Without either those of the system count. */
  readonly ca: string | null;
}

/** Time for connection and handshake, ms. */
const connectMs = 20_000;

/**
 * A TLS connection whose other end is proven to be the expected one before anything is sent.
 * @param more for node:tls, nothing that bears on trust
 * @throws SendenseError `vsphere.tls` with the thumbprint that the server showed, `vsphere.unreachable`; on abort the signal's
 *   reason
 */
export async function connectPinned(
  address: PinnedAddress,
  signal?: AbortSignal,
  more: ConnectionOptions = {},
): Promise<TLSSocket> {
  signal?.throwIfAborted();
  const trusted = authorities(address);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ ...optionsOf(address), ...trusted, ...more });
  const onAbort = (): void => reject(signal?.reason);
  const timer = setTimeout(() => reject(new Error(`no answer within ${connectMs} ms`)), connectMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.once('secureConnect', resolve).once('error', reject);
  try {
    await promise;
    assertExpected(socket, address);
    socket.off('error', reject);
    return socket;
  } catch (error) {
    socket.on('error', () => {}).destroy();
    signal?.throwIfAborted();
    throw error instanceof SendenseError ? error : unreachable(address, error as NodeJS.ErrnoException);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

const optionsOf = ({ host, port }: PinnedAddress): ConnectionOptions => ({
  host,
  port,
  ...(isIP(host) ? {} : { servername: host }),
  // Judged by assertExpected, which can still see the certificate then, and before anything is written.
  rejectUnauthorized: false,
  ...({ noDelay: true, ...keptAlive } as object),
});

function authorities({ host, port, thumbprint, ca }: PinnedAddress): ConnectionOptions {
  if (thumbprint !== null || ca === null) return {};
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return { ca };
  throw new SendenseError(
    'vsphere.tls',
    `the authority (ca) given for ${host}:${port} is not a certificate in PEM form`,
  );
}

/** The node:tls documentation: without rejectUnauthorized, `authorized` says what the verification, host name included, found. */
function assertExpected(socket: TLSSocket, address: PinnedAddress): void {
  const certificate = socket.getPeerCertificate();
  const { fingerprint, fingerprint256 } = certificate;
  const where = `${address.host}:${address.port}`;
  const shown = `it shows the certificate with the thumbprint ${fingerprint256} (SHA-1 ${fingerprint})`;
  if (address.thumbprint === null) {
    if (socket.authorized) return;
    const why = reasonOf(String(socket.authorizationError), certificate, address);
    throw new SendenseError('vsphere.tls', `the certificate of ${where} is not trusted: ${why}; ${shown}`);
  }
  const wanted = hexOf(address.thumbprint);
  if (wanted.length !== 40 && wanted.length !== 64)
    throw new SendenseError(
      'vsphere.tls',
      `the thumbprint set for ${where} has ${wanted.length} hex digits; SHA-1 has 40, SHA-256 has 64; ${shown}`,
    );
  // No certificate, no fingerprint.
  if (hexOf((wanted.length === 40 ? fingerprint : fingerprint256) ?? '') === wanted) return;
  throw new SendenseError(
    'vsphere.tls',
    `${where} is not the expected server: ${shown}, expected was ${address.thumbprint}`,
  );
}

export const hexOf = (text: string): string => text.replaceAll(/[^0-9a-fA-F]/g, '').toUpperCase();

function reasonOf(code: string, certificate: PeerCertificate, { host, ca }: PinnedAddress): string {
  if (/ALTNAME_INVALID|HOSTNAME_MISMATCH/.test(code)) {
    const names = (certificate.subjectaltname ?? `CN ${certificate.subject.CN}`).replaceAll('IP Address:', 'IP:');
    return `it is made for ${names}, not for ${host} (use a name that it holds, or pin its thumbprint)`;
  }
  if (/EXPIRED/.test(code)) return `it has expired (${certificate.valid_to})`;
  if (/SELF_SIGNED|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY/.test(code))
    return ca === null
      ? `no authority of this system has signed it (${code})`
      : `the authority in the settings has not signed it (${code})`;
  return code;
}

const unreachable = ({ host, port }: PinnedAddress, error: NodeJS.ErrnoException): SendenseError =>
  new SendenseError('vsphere.unreachable', `${host}:${port} cannot be reached: ${error.message || error.code}`, {
    cause: error,
  });
