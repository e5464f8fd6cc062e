import { connect, type Socket } from 'node:net';
import type { Client, ConnectConfig } from 'ssh2';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keptAlive } from '../net/keep-alive.ts';
import { fingerprintOf, fingerprintOfBlob, parsePublicKey, signatureAlgorithms, typeOfBlob } from './keys.ts';
import { where, type SshServer } from './tunnel-options.ts';
import { untilOpen } from './until-open.ts';

/** Fastest first, measured: with AES in hardware GCM needs no MAC of its own. */
export const ciphers = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr'] as const;

/** A dead peer is noticed after about `seconds` × (`count` + 1). */
export const keepAlive = { seconds: 5, count: 3 };

const tcpWithinMs = 10_000;

export interface ConnectOptions {
  readonly server: SshServer;
  readonly privateKey: string | Buffer;
  /** Limit for keys and login together; default 20 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection that is logged in, and its socket; the caller ends it, and listens to its `error` from then on.
 * @throws SendenseError `ssh.unreachable`, `ssh.host-key`, `ssh.key`; on abort the signal's reason
 */
export async function connectSsh2(options: ConnectOptions): Promise<{ client: Client; socket: Socket }> {
  const { server, signal } = options;
  signal?.throwIfAborted();
  const algorithms = hostKeyAlgorithms(server);
  // Loaded where it is needed: it costs 60 ms at a start.
  const { ssh2 } = await import('./ssh2.ts');
  const client = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const pinned = new Set(server.hostKeys.map((key) => parsePublicKey(key)?.split(' ')[1]));
  let offered: Buffer | null = null;
  const socket = await openTcp(server, signal);
  const abort = (): void => reject(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  client.on('ready', () => resolve());
  client.on('error', (error: Ssh2Error) => reject(offered ? otherHostKey(server, offered) : explain(server, error)));
  client.on('close', () =>
    reject(new SendenseError('ssh.unreachable', `${where(server)} ended the connection before the login`)),
  );
  try {
    signal?.throwIfAborted();
    client.connect({
      sock: socket,
      username: server.user,
      privateKey: options.privateKey,
      readyTimeout: options.timeoutMs ?? 20_000,
      keepaliveInterval: keepAlive.seconds * 1000,
      keepaliveCountMax: keepAlive.count,
      algorithms: { cipher: [...ciphers], serverHostKey: algorithms } as ConnectConfig['algorithms'],
      hostVerifier: (key: Buffer): boolean => {
        if (pinned.has(key.toString('base64'))) return true;
        offered = key;
        return false;
      },
    });
    await promise;
    return { client, socket };
  } catch (error) {
    client.destroy();
    socket.destroy();
    throw error instanceof Error && /privateKey/.test(error.message) && !(error instanceof SendenseError)
      ? new SendenseError('ssh.key', `the private key cannot be used: ${error.message}`)
      : error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Without Nagle: with it a request of 64 KiB takes 40 ms. */
async function openTcp(server: SshServer, signal: AbortSignal | undefined): Promise<Socket> {
  const open = Promise.withResolvers<void>();
  const socket = connect({ host: server.host, port: server.port, noDelay: true, ...keptAlive });
  const failure = (why: string, cause?: unknown): SendenseError =>
    new SendenseError('ssh.unreachable', `${where(server)}: ${why}`, { cause });
  socket.on('connect', open.resolve).on('error', (error: NodeJS.ErrnoException) => {
    const unknown = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN';
    open.reject(failure(unknown ? 'the name is not known' : error.message || String(error.code), error));
  });
  const late = (): SendenseError => failure(`no answer within ${tcpWithinMs / 1000} s`);
  return untilOpen(socket, open, { withinMs: tcpWithinMs, late, signal });
}

/** Algorithms by which the server may prove itself: those of the pinned keys. @throws SendenseError `ssh.host-key` for a key that is none */
export function hostKeyAlgorithms(server: SshServer): string[] {
  const types = server.hostKeys.map((key) => {
    const parsed = parsePublicKey(key);
    if (parsed) return parsed.split(' ')[0] ?? '';
    throw new SendenseError('ssh.host-key', `${where(server)}: the pinned host key ${key.slice(0, 60)} is not usable`, {
      remedy: 'Pin a public key of type ssh-ed25519, ecdsa-sha2-nistp… or ssh-rsa (3072 bits or more), in one line.',
    });
  });
  if (types.length === 0) throw new SendenseError('ssh.host-key', `${where(server)}: no host key is pinned`);
  return [...new Set(types.flatMap(signatureAlgorithms))];
}

/** Both fingerprints, so that whoever reads it can compare. */
function otherHostKey(server: SshServer, offered: Buffer): SendenseError {
  const pinned = server.hostKeys.map(fingerprintOf).join(' or ');
  return new SendenseError(
    'ssh.host-key',
    `${where(server)} has the host key ${fingerprintOfBlob(offered)} (${typeOfBlob(offered)}); pinned is ${pinned}`,
  );
}

interface Ssh2Error extends Error {
  readonly level?: string;
}

function explain(server: SshServer, error: Ssh2Error): SendenseError {
  const at = where(server);
  if (error.level === 'client-authentication')
    return new SendenseError('ssh.key', `${at} refused the key of user ${server.user}`, { cause: error });
  if (/no matching host key|server host key/i.test(error.message))
    return new SendenseError('ssh.host-key', `${at} has no host key of a pinned type: ${error.message}`, {
      cause: error,
    });
  return new SendenseError('ssh.unreachable', `${at}: ${error.message}`, { cause: error });
}
