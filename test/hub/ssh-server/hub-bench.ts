import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Client, ConnectConfig } from 'ssh2';
import { ssh2 } from '../../../src/host/ssh/ssh2.ts';
import { expect } from 'vitest';
import { isPortFree } from '../../../src/host/net/port-probe.ts';
import { keyPairFromSeed, makeKeyPair, parsePublicKey } from '../../../src/host/ssh/keys.ts';
import { makeEnrolmentToken } from '../../../src/hub/nodes/enrolment-token.ts';
import { builtinHostKey } from '../../../src/hub/nodes/host-key.ts';
import type { HubPlaces } from '../../../src/hub/nodes/hub-places.ts';
import type { gateLimits } from '../../../src/hub/ssh-server/gate.ts';
import type { Refusal } from '../../../src/hub/ssh-server/server-context.ts';
import { serveSsh } from '../../../src/hub/ssh-server/serve-ssh.ts';
import { enrolNode } from '../../../src/state/nodes/node-enrolment.ts';
import { addressOfNode } from '../../../src/state/nodes/node-address.ts';
import { addNode, requireNode, type NodeRecord } from '../../../src/state/nodes/nodes.ts';
import { openState, type State } from '../../../src/state/database/open-state.ts';
import { allocatePorts, openPortsTo } from '../../../src/state/runs/port-leases.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';
import { addRuns } from '../../state/temporary-state.ts';
import { freePorts } from '../../support/free-ports.ts';

/** execa's own name of this type costs the compiler 4 s. */
type Ssh = ReturnType<typeof startSsh>;
const startSsh = (words: readonly string[]) => execa('ssh', words, { reject: false });

export interface EnrolledNode {
  readonly name: string;
  readonly keyFile: string;
  readonly privateKey: string;
  readonly publicKey: string;
  record(): NodeRecord;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly facts: Record<string, unknown>;
}

export interface HubBench extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly state: State;
  readonly places: HubPlaces;
  readonly port: number;
  readonly log: LogLine[];
  readonly refused: Refusal[];
  /** By `site-b from_node`, and `site-b from_node by sshd` */
  readonly bytes: Map<string, number>;
  /** Counts what sshd carries. */
  count(): Promise<void>;
  enrol(name: string): EnrolledNode;
  /** A node that is not enrolled yet, and its token's one-time key. */
  token(
    name: string,
    expires?: number,
  ): { readonly token: string; readonly privateKey: string; readonly keyFile: string };
  keyFile(privateKey: string): string;
  /** The system's ssh, host key pinned. */
  ssh(keyFile: string, options: readonly string[], command?: readonly string[]): Ssh;
  /** A client of ssh2 that is logged in. Rejects where it is not let in. */
  client(privateKey: string, options?: Partial<ConnectConfig>): Promise<Client>;
  /** A service on an NBD port at the address of the node that answers with what it hears, and its lease, open to a node or to none. */
  echo(node: string | null): Promise<number>;
  logged(pattern: RegExp): Promise<LogLine>;
}

/** The built-in SSH server with a state database of its own. */
export async function hubBench(limits?: typeof gateLimits, data: HubPlaces['data'] = 'auto'): Promise<HubBench> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const state = stack.use(openState(folder.file('sendense.db'), { busyTimeout: 300 }));
  addRuns(state, 'run-1');
  const [from = 0] = await freePorts(12);
  const places: HubPlaces = {
    ssh: 'builtin',
    listen: { host: '127.0.0.1', port: from },
    data,
    hostKeyFile: folder.file('hub_host_key'),
    user: 'sendense',
    authorizedKeysFile: folder.file('authorized_keys'),
    api: { host: '127.0.0.1', port: from + 1 },
    tls: null,
    apiTokenFile: folder.file('hub-api.token'),
    metricsTokenFile: folder.file('hub-metrics.token'),
    nodePorts: { from: from + 2, to: from + 5 },
    nbdPorts: { from: from + 6, to: from + 11 },
  };
  const hostKey = await builtinHostKey(places.hostKeyFile);
  const log: LogLine[] = [];
  const refused: Refusal[] = [];
  const bytes = new Map<string, number>();
  const server = await serveSsh({
    state,
    places,
    hostKey: hostKey.privateKey,
    ...(limits ? { limits } : {}),
    log: recorder(log),
    figures: {
      bytes: (node, direction, count, by) => {
        const key = `${node} ${direction}${by === 'sshd' ? ' by sshd' : ''}`;
        bytes.set(key, (bytes.get(key) ?? 0) + count);
      },
      connected: () => {},
      dataConnected: () => {},
      forward: () => {},
      refused: (reason) => void refused.push(reason),
    },
  });
  stack.use(server);
  const knownHosts = folder.file('known_hosts');
  writeFileSync(knownHosts, `[127.0.0.1]:${server.port} ${hostKey.publicKey}\n`);
  let keys = 0;
  const keyFile = (privateKey: string): string => {
    const file = folder.file(`key-${keys++}`);
    writeFileSync(file, privateKey, { mode: 0o600 });
    return file;
  };
  const clients: Client[] = [];
  stack.defer(() => clients.forEach((client) => client.destroy()));
  const processes: Ssh[] = [];
  stack.defer(async () => {
    for (const child of processes) child.kill('SIGKILL');
    for (const child of processes) await child;
  });

  const token: HubBench['token'] = (name, expires = Date.now() + 60_000) => {
    const made = makeEnrolmentToken({ name, hostKey: hostKey.publicKey, user: places.user, expires });
    addNode(state, { name, oneTimeKey: made.publicKey, expires, ports: places.nodePorts });
    const { seed } = JSON.parse(Buffer.from(made.token.slice('sendense1.'.length), 'base64url').toString()) as {
      seed: string;
    };
    const { privateKey } = keyPairFromSeed(Buffer.from(seed, 'base64url'), 'token');
    return { token: made.token, privateKey, keyFile: keyFile(privateKey) };
  };

  return {
    folder,
    state,
    places,
    port: server.port,
    log,
    refused,
    bytes,
    count: server.count,
    token,
    keyFile,
    enrol: (name) => {
      token(name);
      const oneTimeKey = requireNode(state, name).oneTimeKey ?? '';
      const pair = makeKeyPair(name);
      const publicKey = parsePublicKey(pair.publicKey) ?? '';
      enrolNode(state, {
        oneTimeKey,
        publicKey,
        apiToken: `token-of-${name}-0123456789`,
        hostname: name,
        version: '1',
      });
      const { privateKey } = pair;
      return { name, privateKey, publicKey, keyFile: keyFile(privateKey), record: () => requireNode(state, name) };
    },
    ssh: (file, options, command = []) => {
      // The first value of an option counts.
      const fixed = `-F none -i ${file} -p ${server.port} -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${knownHosts} -o GlobalKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes`;
      const words = [...options, ...fixed.split(' '), 'sendense@127.0.0.1', ...command];
      const child = startSsh(words);
      processes.push(child);
      return child;
    },
    client: async (privateKey, options = {}) => {
      const client = new ssh2.Client();
      clients.push(client);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      client.on('ready', resolve);
      client.on('error', reject);
      client.on('close', () => reject(new Error('closed')));
      client.connect({
        host: '127.0.0.1',
        port: server.port,
        username: 'sendense',
        privateKey,
        hostVerifier: (key: Buffer) => `ssh-ed25519 ${key.toString('base64')}` === hostKey.publicKey,
        ...options,
      });
      await promise;
      return client;
    },
    echo: async (node) => {
      const address = (node === null ? undefined : addressOfNode(state, node)) ?? '127.0.0.1';
      const [port = 0] = await allocatePorts(state, {
        count: 1,
        ...places.nbdPorts,
        owner: { runId: 'run-1', stepId: 'ports' },
        isFree: (free) => isPortFree(free, address),
      });
      if (node !== null) openPortsTo(state, node, [port]);
      const sockets = new Set<Socket>();
      const listener = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.pipe(socket);
      });
      listener.listen(port, address);
      await once(listener, 'listening');
      stack.defer(() => {
        for (const socket of sockets) socket.destroy();
        listener.close();
      });
      return port;
    },
    logged: (pattern) => until(() => log.find(({ message }) => pattern.test(message)), `a log line ${pattern}`),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Waits until `look` answers something. */
export async function until<T>(look: () => T | undefined | false | null, what: string): Promise<T> {
  for (const end = performance.now() + 20_000; performance.now() < end; await delay(20)) {
    const found = look();
    if (found !== undefined && found !== false && found !== null) return found;
  }
  return expect.unreachable(`waited in vain for ${what}`);
}

function recorder(lines: LogLine[], bound: Record<string, unknown> = {}): Parameters<typeof serveSsh>[0]['log'] {
  const at =
    (level: string) =>
    (first: unknown, second?: string): void => {
      const facts = typeof first === 'object' ? (first as Record<string, unknown>) : {};
      lines.push({ level, message: typeof first === 'string' ? first : (second ?? ''), facts: { ...bound, ...facts } });
    };
  const child = (more: Record<string, unknown>): unknown => recorder(lines, { ...bound, ...more });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child } as unknown as Parameters<
    typeof serveSsh
  >[0]['log'];
}
