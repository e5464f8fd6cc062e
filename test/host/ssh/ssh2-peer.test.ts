import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { AuthContext, Connection } from 'ssh2';
import { ssh2 } from '../../../src/host/ssh/ssh2.ts';
import { writeFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { openTunnel, type Tunnel } from '../../../src/host/ssh/tunnel.ts';
import { freePort } from '../../support/free-ports.ts';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.ts';
import { forward } from './tunnel-workshop.ts';

const patience = { timeout: 200_000, interval: 20 };

interface Peer extends AsyncDisposable {
  open(folder: TemporaryFolder, program: 'openssh' | 'ssh2', remotePort: number): Tunnel;
}

/** A server that lets everybody in, and does with each connection as it is told. */
async function peer(folder: TemporaryFolder, serve: (connection: Connection) => void): Promise<Peer> {
  const host = makeKeyPair('host');
  await writeFile(folder.file('key'), makeKeyPair('user').privateKey, { mode: 0o600 });
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (connection) => {
    connections.add(connection);
    connection.on('error', () => {});
    connection.on('authentication', (context: AuthContext) =>
      context.method === 'publickey' ? context.accept() : context.reject(['publickey']),
    );
    serve(connection);
  });
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    open: (at, program, remotePort) =>
      openTunnel({
        server: { host: '127.0.0.1', port, user: 'anybody', hostKeys: [host.publicKey] },
        keyFile: at.file('key'),
        folder: at.file('tunnel'),
        local: [],
        remote: [forward(remotePort, remotePort)],
        program,
      }),
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) connection.end();
      server.close();
      await once(server, 'close');
    },
  };
}

const failure = async (tunnel: Tunnel): Promise<unknown> => {
  await vi.waitUntil(() => tunnel.state().state === 'down', patience);
  return tunnel.ready(AbortSignal.abort()).catch((error: unknown) => error);
};

describe.each(['openssh', 'ssh2'] as const)('%s and a server that is not OpenSSH', (program) => {
  test('is up when the session has answered the hello', async () => {
    await using folder = await temporaryFolder();
    const hellos: string[] = [];
    await using server = await peer(folder, (connection) => {
      connection.on('request', (accept) => accept?.());
      connection.on('session', (accept) => {
        accept().on('exec', (take, _reject, { command }) => {
          const channel = take();
          channel.on('data', (bytes: Buffer) => {
            hellos.push(`${command} ${bytes.toString()}`);
            channel.write('{"welcome":1}\n');
          });
        });
      });
    });
    await using tunnel = server.open(folder, program, 9081);
    await tunnel.ready();
    expect(hellos.join('')).toMatch(/^sendense-link \{"ping":[0-9]+\}\n$/);
  });

  test('a refused forward, a refused session, an end in the middle: each has its error', async () => {
    await using folder = await temporaryFolder();
    await using noForward = await peer(
      folder,
      (connection) => void connection.on('request', (_accept, reject) => reject?.()),
    );
    await using noSession = await peer(folder, (connection) => {
      connection.on('request', (accept) => accept?.());
      connection.on('session', (_accept, reject) => reject());
    });
    await using ends = await peer(folder, (connection) => void connection.on('ready', () => connection.end()));
    await using one = noForward.open(folder, program, 9081);
    expect(await failure(one)).toMatchObject({
      code: 'ssh.forward',
      message: expect.stringContaining('9081') as string,
    });
    await using two = noSession.open(folder, program, 9081);
    expect(await failure(two)).toMatchObject({ code: 'ssh.lost' });
    await using three = ends.open(folder, program, 9081);
    expect(await failure(three)).toMatchObject({ code: expect.stringMatching(/^ssh\.(lost|unreachable)$/) as string });
  });
});
