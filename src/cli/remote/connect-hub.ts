import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keptAlive, keptAliveAgent } from '../../host/net/keep-alive.ts';
import type { HubPlace } from './hub-place.ts';

/** Time for connection and handshake, ms. */
const connectMs = 20_000;

/** More than the windows that a mounted restore point has open (`window-turns.ts`): what is listed meanwhile waits for none of them. */
const mostSockets = 8;

/** Makes the connections to a hub. None is used before its other end is known to be that hub. */
export function hubAgent(place: HubPlace): Agent {
  const agent = new Agent({ ...keptAliveAgent, maxSockets: mostSockets });
  agent.createConnection = (_options, made) => {
    connected(place).then(
      (socket) => made?.(null, socket),
      (error: unknown) => made?.(error as Error, undefined as never),
    );
    return undefined;
  };
  return agent;
}

async function connected(place: HubPlace): Promise<Socket> {
  const { host, port, tls } = place;
  const socket = tls ? secure(place) : connectPlain({ host, port, noDelay: true, ...keptAlive });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${connectMs / 1000} s`)), connectMs);
  socket.once(tls ? 'secureConnect' : 'connect', resolve).once('error', reject);
  try {
    await promise;
    if (tls) assertHub(socket as TLSSocket, place);
    return socket;
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    socket.off('error', reject);
  }
}

const secure = ({ host, port, trust }: HubPlace): TLSSocket =>
  connect({
    host,
    port,
    ...(isIP(host) ? {} : { servername: host }),
    ...(typeof trust === 'object' && 'ca' in trust ? { ca: trust.ca } : {}),
    minVersion: 'TLSv1.2',
    // Judged by assertHub, before anything is written.
    rejectUnauthorized: false,
    ...keptAlive,
  });

/** The node:tls documentation: without rejectUnauthorized, `authorized` says what the verification, host name included, found. */
function assertHub(socket: TLSSocket, { url, trust }: HubPlace): void {
  const { fingerprint256 = 'none' } = socket.getPeerCertificate();
  const shown = `it shows the certificate with the SHA-256 fingerprint ${fingerprint256}`;
  if (typeof trust === 'object' && 'sha256' in trust) {
    if (fingerprint256.replaceAll(':', '') === trust.sha256) return;
    throw new SendenseError('remote.certificate', `${url} is not the expected hub: ${shown}`);
  }
  // A certificate that the hub made itself names no address that one could check: it has to be this very one.
  if (socket.authorized || (typeof trust === 'object' && isAmong(fingerprint256, trust.ca))) return;
  const why = String(socket.authorizationError);
  throw new SendenseError('remote.certificate', `the certificate of ${url} is not trusted (${why}): ${shown}`);
}

const isAmong = (fingerprint: string, pem: string): boolean =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).some(
    (one) => fingerprintOf(one) === fingerprint,
  );

function fingerprintOf(pem: string): string | null {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return null;
  }
}
