import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { bridgeOver } from './bridge.ts';
import { portTaken } from './port-taken.ts';
import { describeEndpoint, where, type Endpoint, type Forward, type SshServer } from './tunnel-options.ts';

type Bridge = ReturnType<typeof bridgeOver>;

/** Listens here; each connection becomes a channel. @throws SendenseError `ssh.forward` where it cannot listen */
export async function listenHere(
  client: Client,
  bridge: Bridge,
  { listen, connect: target }: Forward,
  refused: (error: SendenseError) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Without `allowHalfOpen` what comes after the other side's end would be lost.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    openChannel(client, target, (error, channel) => {
      if (error) {
        refused(refusalOf(error, target));
        socket.resetAndDestroy();
      } else {
        bridge(socket, channel);
        socket.resume();
      }
    });
  });
  server.on('error', (error: Error) =>
    reject(portTaken('socket' in listen ? listen.socket : String(listen.port), error.message)),
  );
  if ('socket' in listen) {
    await rm(listen.socket, { force: true });
    const before = process.umask(0o177);
    server.listen(listen.socket, resolve);
    process.umask(before);
  } else server.listen({ host: listen.host, port: listen.port, exclusive: true }, resolve);
  await promise;
}

function openChannel(
  client: Client,
  target: Endpoint,
  done: (error: Error | undefined, channel: ClientChannel) => void,
): void {
  try {
    if ('socket' in target) client.openssh_forwardOutStreamLocal(target.socket, done);
    else client.forwardOut('127.0.0.1', 0, target.host, target.port, done);
  } catch (error) {
    done(error as Error, undefined as unknown as ClientChannel);
  }
}

/** RFC 4254, section 5.1: 1 is "administratively prohibited", 2 "connect failed". */
const administrativelyProhibited = 1;

function refusalOf(error: Error & { reason?: number | string }, target: Endpoint): SendenseError {
  if (error.reason === administrativelyProhibited)
    return new SendenseError(
      'ssh.forward',
      `the server does not allow this connection through the tunnel, to ${describeEndpoint(target)}`,
    );
  return new SendenseError(
    'ssh.unreachable',
    `at the far end of the tunnel: ${describeEndpoint(target)}: ${error.message}`,
  );
}

/** Lets the server listen; each connection there is joined with one that is made here. @throws SendenseError `ssh.forward` */
export async function listenThere(client: Client, server: SshServer, { listen }: Forward): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error | null): void => {
      if (!error) return resolve();
      const place = 'socket' in listen ? listen.socket : `port ${listen.port}`;
      const message = `${where(server)} does not forward ${place} to here: another program there holds it, or the server does not allow it`;
      const details = 'socket' in listen ? {} : { port: listen.port };
      reject(new SendenseError('ssh.forward', message, { cause: error, details }));
    };
    if ('socket' in listen) client.openssh_forwardInStreamLocal(listen.socket, done);
    else client.forwardIn(listen.host, listen.port, done);
  });
}

/** Answers the connections that come from there. */
export function acceptFromThere(client: Client, bridge: Bridge, remote: readonly Forward[]): void {
  const take = (forward: Forward | undefined, accept: () => ClientChannel, reject: () => void): void => {
    if (!forward) return reject();
    const target = forward.connect;
    const socket: Socket =
      'socket' in target
        ? connect({ path: target.socket, allowHalfOpen: true })
        : connect({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      bridge(socket, accept());
    });
  };
  client.on('tcp connection', ({ destPort }, accept, reject) =>
    take(
      remote.find(({ listen }) => 'port' in listen && listen.port === destPort),
      accept,
      reject,
    ),
  );
  client.on('unix connection', ({ socketPath }, accept, reject) =>
    take(
      remote.find(({ listen }) => 'socket' in listen && listen.socket === socketPath),
      accept as unknown as () => ClientChannel,
      reject,
    ),
  );
}
