import { hkdfSync } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { SendenseError } from '../../errors/sendense-error.ts';

/**
 * How hub and node prove to each other that they have the token of the node's API, before either sends it: TLS 1.3 with a key
 * that follows from it (RFC 8446, section 2.2, with a key exchange of its own for each connection). Whoever listens where the node
 * should, at whatever end of whatever tunnel, does not have the key and learns nothing.
 */
const identity = 'sendense-node-api';
const common = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256', ecdhCurve: 'X25519' } as const;

const proofKey = (token: string): Buffer => Buffer.from(hkdfSync('sha256', token, '', identity, 32));

/** For `tls.createServer`: a peer without the token gets no further than its first message. */
export function proofServerOptions(token: string, handshakeTimeout: number): TlsOptions {
  const key = proofKey(token);
  return { ...common, handshakeTimeout, pskCallback: (_socket, name) => (name === identity ? key : null) };
}

/** The first byte of TLS, and of no request of HTTP. */
export const tlsFirstByte = 0x16;

// `import` of it would cost every start.
const { connect } = process.getBuiltinModule('node:tls');

export interface ProvenPeer {
  readonly target: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly token: string;
  /** How errors call it. */
  readonly label: string;
  readonly silenceMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A connection to a node that has proven to know the token; nothing but a handshake was sent before.
 * @throws SendenseError `node.unproven`, `node.refused`; the error of the system where the connection fails; on abort the signal's reason
 */
export async function connectProven({ target, token, label, silenceMs, signal }: ProvenPeer): Promise<TLSSocket> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const key = proofKey(token);
  const certificate = (): Error => Object.assign(new Error('it shows a certificate'), { code: 'ERR_SSL_' });
  const socket = connect({
    ...target,
    ...common,
    ...('host' in target && isIP(target.host) === 0 ? { servername: target.host } : {}),
    pskCallback: () => ({ psk: key, identity }),
    // No certificate counts, whoever has signed it.
    ca: [],
    checkServerIdentity: certificate,
  });
  const onAbort = (): void => reject(signal?.reason as Error);
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.setTimeout(silenceMs, () => reject(new Error(`no answer for ${silenceMs / 1000} s`)));
  socket.once('error', reject);
  // A key that both have counts as a session that is taken up again, and comes without a certificate.
  socket.once('secureConnect', () => (socket.isSessionReused() ? resolve() : reject(certificate())));
  try {
    await promise;
    socket.setTimeout(0).off('error', reject);
    return socket;
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw explained(error as NodeJS.ErrnoException, label);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Of OpenSSL: what somebody answers who speaks TLS and has another key. */
const otherKey = /ALERT_DECRYPT_ERROR|ALERT_HANDSHAKE_FAILURE|ALERT_UNKNOWN_PSK_IDENTITY/;

function explained(error: NodeJS.ErrnoException, label: string): Error {
  const code = error.code ?? '';
  if (otherKey.test(code))
    return new SendenseError('node.refused', `${label} does not have the token that this hub has for it`, {
      cause: error,
    });
  if (!/^ERR_SSL_|SELF_SIGNED|UNABLE_TO|CERT/.test(code)) return error;
  return new SendenseError(
    'node.unproven',
    `${label}: what answers there does not prove that it has the node's token`,
    {
      cause: error,
    },
  );
}
