import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { writeNewFile } from '../../host/files/files.ts';
import { largeBytes, lookAtMtu } from '../../host/net/large-packets.ts';
import { dataConnections } from '../../host/net/loopback-addresses.ts';
import { nodeClient, type NodeClient } from '../../host/node-api/node-client.ts';
import { makeRunFolder, ownFolderId, removeRunFolder } from '../../host/programs/run-folder.ts';
import { readSecret } from '../../host/system/secret.ts';
import { readSshBanner } from '../../host/ssh/banner.ts';
import { sendLargeHello } from '../../host/ssh/large-hello.ts';
import { openTunnel, type Endpoint, type Forward, type Tunnel, type TunnelOptions } from '../../host/ssh/tunnel.ts';
import { parseHostAndPort } from '../../schemas/host-and-port.ts';
import type { DialNode } from '../../schemas/types.ts';

/** A node in mode `dial-node`, as the hub reaches it. */
export interface DialledNode {
  readonly name: string;
  readonly settings: DialNode;
  /** Folder of sendense.yaml, against which the files of its secrets count. */
  readonly settingsFolder: string;
}

type Log = (message: string) => void;

/** How long an SSH server that does not answer is tried before a step fails. */
const readyWithinMs = 20_000;

/**
 * The node's API through a connection to its sshd, which is kept up until it is disposed of.
 * @throws SendenseError `ssh.*` where there is no way to the API, `node.unreachable` where it does not answer behind it,
 * `node.refused`, `secret.unreadable`
 */
export async function connectToNode(node: DialledNode): Promise<{ client: NodeClient } & AsyncDisposable> {
  const token = await readSecret(node.settings.token, node.settingsFolder);
  await using stack = new AsyncDisposableStack();
  const folder = await ownFolder(stack);
  const socket = join(folder, 'api.sock');
  const local = [{ listen: { socket }, connect: apiOf(node) }];
  const tunnel = stack.use(tunnelTo(node, folder, await keyFile(node, folder), { local, remote: [] }));
  await isUp(tunnel).catch((error: unknown) => throwWithMtu(node, error));
  const client = nodeClient({ url: `unix:${socket}`, token, name: node.name });
  await client.health().catch((error: unknown) => throwReason(node, tunnel, error));
  const open = stack.move();
  return { client, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/**
 * Makes NBD ports of this host answer at the node, at its loopback address under the same numbers, through connections of
 * their own that are kept up until this is disposed of: one for each port, up to {@link dataConnections} of them.
 * @throws SendenseError `ssh.*`; on abort the signal's reason
 */
export async function openPorts(
  node: DialledNode,
  ports: readonly number[],
  signal?: AbortSignal,
  log?: Log,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const folder = await ownFolder(stack);
  const key = await keyFile(node, folder);
  const shares = sharesOf(ports, dataConnections);
  const tunnels = shares.map((share, index) => {
    const remote = share.map((port): Forward => ({ listen: loopback(port), connect: loopback(port) }));
    const which = shares.length === 1 ? 'the connection' : `connection ${index + 1} of ${shares.length}`;
    return stack.use(tunnelTo(node, folder, key, { local: [], remote, onState: sayWhenItBreaks(which, log) }));
  });
  await Promise.all(tunnels.map((tunnel) => isUp(tunnel, signal)));
  return stack.move();
}

/**
 * Whether the node's sshd lets this hub listen there: tries one port after the other, because another program on the node
 * may hold one of them.
 * @param ports in the order in which they are tried; they must be in use by nobody of ours
 * @throws SendenseError `ssh.*`
 */
export async function checkPorts(node: DialledNode, ports: readonly number[], signal?: AbortSignal): Promise<void> {
  let refused: unknown = null;
  for (const port of ports) {
    try {
      await using _path = await openPorts(node, [port], signal);
      return;
    } catch (error) {
      if (!(error instanceof SendenseError && error.code === 'ssh.forward')) throw error;
      refused ??= error;
    }
  }
  if (refused !== null) throw refused;
}

const probeMs = 5000;

/** SSH's own handshake has packets of full size. A server that names itself, and to which none of them comes, is behind an MTU that is too small. */
async function throwWithMtu({ settings: { host, port } }: DialledNode, error: unknown): Promise<never> {
  if (!(error instanceof SendenseError) || (error.code !== 'ssh.unreachable' && error.code !== 'ssh.lost')) throw error;
  const answers = (asked: Promise<unknown>): Promise<boolean> =>
    asked.then(
      () => true,
      () => false,
    );
  const { signal } = new AbortController();
  const small = await answers(readSshBanner({ host, port }, { timeoutMs: probeMs }));
  if (!small || (await answers(sendLargeHello({ host, port }, { signal, timeoutMs: probeMs })))) throw error;
  const what = `its SSH server answers small packets, but none of ${largeBytes} bytes: the line loses packets of full size (MTU)`;
  throw new SendenseError(error.code, `${error.message}; ${what}`, { cause: error, remedy: lookAtMtu('NODE') });
}

const loopback = (port: number): Endpoint => ({ host: '127.0.0.1', port });

function apiOf({ name, settings }: DialledNode): Endpoint {
  const api = parseHostAndPort(settings.api, 8081);
  if ('fault' in api) throw new SendenseError('settings.invalid', `nodes.${name}.api: ${api.message}`);
  return api;
}

/** A folder that the next run removes, with the tunnels in it, where this process is killed. */
async function ownFolder(stack: AsyncDisposableStack): Promise<string> {
  const id = ownFolderId('hub');
  const folder = await makeRunFolder(id);
  stack.defer(() => removeRunFolder(id));
  return folder;
}

function tunnelTo(
  { settings: { host, port, user, hostKey } }: DialledNode,
  folder: string,
  key: string,
  options: Pick<TunnelOptions, 'local' | 'remote' | 'onState'>,
): Tunnel {
  return openTunnel({
    server: { host, port, user, hostKeys: [hostKey].flat() },
    keyFile: key,
    folder,
    // Something that answers what it is told, and is everywhere.
    command: 'cat',
    ...options,
  });
}

/** The file where ssh reads the key: the one of the settings, or one of this run for a key that comes from elsewhere. */
async function keyFile({ settings: { key }, settingsFolder }: DialledNode, folder: string): Promise<string> {
  if (key.secret.file !== undefined) return resolve(settingsFolder, key.secret.file);
  const file = join(folder, 'key');
  await writeNewFile(file, `${await readSecret(key, settingsFolder)}\n`, 0o600);
  return file;
}

async function isUp(tunnel: Tunnel, signal?: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(readyWithinMs);
  try {
    await tunnel.ready(signal ? AbortSignal.any([signal, limit]) : limit);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SendenseError) throw error;
    throw new SendenseError('ssh.unreachable', `no answer within ${readyWithinMs / 1000} s`, { cause: error });
  }
}

/** The program of the tunnel says a moment later than the broken connection does why it was not made. */
async function throwReason({ name, settings }: DialledNode, tunnel: Tunnel, error: unknown): Promise<never> {
  if (!(error instanceof SendenseError && error.code === 'node.unreachable')) throw error;
  for (let waited = 0; tunnel.refusal() === null && waited < 1000; waited += 20) await delay(20);
  const refusal = tunnel.refusal();
  if (refusal?.code === 'ssh.forward')
    throw new SendenseError(
      'ssh.forward',
      `node ${name}: the sshd of ${settings.host} does not allow the way to ${settings.api}`,
      {
        cause: refusal,
        remedy: `Allow it there: permitopen="${settings.api}" in authorized_keys, AllowTcpForwarding yes in sshd_config.`,
      },
    );
  if (refusal === null) throw error;
  throw new SendenseError(
    'node.unreachable',
    `node ${name}: nothing answers at ${settings.api} of ${settings.host}: ${refusal.message}`,
    { cause: refusal },
  );
}

/** The ports in turn to at most so many connections; none without a port. */
const sharesOf = (ports: readonly number[], connections: number): number[][] =>
  Array.from({ length: Math.min(ports.length, connections) }, (_, share) =>
    ports.filter((_port, index) => index % connections === share),
  );

/** The data waits meanwhile; a line in the run's log says why nothing moves. */
function sayWhenItBreaks(which: string, log: Log | undefined): NonNullable<TunnelOptions['onState']> {
  let wasUp = false;
  let broken = false;
  return (state) => {
    if (state.state === 'up') {
      if (broken) log?.(`${which} to the node is back`);
      wasUp = true;
      broken = false;
    } else if (state.state === 'down' && wasUp && !broken) {
      broken = true;
      log?.(`${which} to the node broke: ${state.error.message}; it is made again`);
    }
  };
}
