import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Client, ClientChannel } from 'ssh2';
import { ssh2 } from '../../src/host/ssh/ssh2.ts';
import { vi } from 'vitest';
import { makeKeyPair, parsePublicKey } from '../../src/host/ssh/keys.ts';
import { startFile } from '../../src/schemas/package.ts';
import { enrolNode } from '../../src/state/nodes/node-enrolment.ts';
import { addNode } from '../../src/state/nodes/nodes.ts';
import { openState, type State } from '../../src/state/database/open-state.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { freePorts } from '../support/free-ports.ts';
import { all } from '../support/rounds.ts';
import { callResident } from './resident.ts';

/** `sendense-run hub` in a process of its own, as nodes and an administrator meet it. */
export interface HubProgram extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly port: number;
  readonly apiPort: number;
  readonly state: State;
  /** Of its API. */
  readonly token: string;
  readonly url: string;
  /** Kills the hub with this signal, and waits until it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** All that it wrote. */
  said(): string;
  /** `sendense-run` with the settings of this hub, in a process that is there already ({@link callResident}). */
  run(...args: string[]): Promise<Ended>;
  /** The same in a process of its own, for what is stopped by a signal. */
  runAlone(...args: string[]): Promise<Ended>;
  /** A node with a key of its own; answers the key. */
  enrol(name: string, apiToken?: string): string;
  /** Logged in as a node. */
  client(privateKey: string): Promise<Client>;
  /** Its session, greeted. */
  session(client: Client, more?: object): Promise<ClientChannel>;
  /** A request of the administrator: status, or what was in the way. */
  ask(path?: string, withinMs?: number): Promise<number | string>;
}

export interface Ended {
  readonly exitCode?: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const patience = { timeout: 200_000, interval: 20 };

/** @param settings more lines of its settings; `hub.KEY: VALUE` goes to `hub` */
export async function hubProgram(...settings: readonly string[]): Promise<HubProgram> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const [port = 0] = await freePorts(8);
  const ofHub = settings.filter((line) => line.startsWith('hub.')).map((line) => `, ${line.slice(4)}`);
  await writeFile(
    folder.file('sendense.yaml'),
    [
      'version: 1',
      'repositories: { primary: { path: ./repository } }',
      `ports: { from: ${port + 6}, to: ${port + 7} }`,
      `hub: { listen: '127.0.0.1:${port}', api: '127.0.0.2:${port + 1}', nodePorts: { from: ${port + 2}, to: ${port + 5} }${ofHub.join('')}, editPlans: true }`,
      ...settings.filter((line) => !line.startsWith('hub.')),
    ].join('\n'),
  );
  const words = [startFile('cli/sendense-run'), '--config', folder.file('sendense.yaml')];
  let hub: ChildProcess;
  let said = '';
  const start = async (): Promise<void> => {
    said = '';
    hub = spawn(process.execPath, [...words, 'hub'], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [hub.stdout, hub.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
    await vi.waitUntil(() => said.includes('"listening"'), patience);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    hub.kill(signal);
    await vi.waitUntil(() => hub.exitCode !== null || hub.signalCode !== null, patience);
  };
  stack.defer(() => end('SIGTERM'));
  await start();
  const alone = (args: readonly string[]): Promise<Ended> =>
    execa(process.execPath, [...words, ...args], { reject: false, cwd: folder.path });
  const state = stack.use(openState(folder.file('state', 'sendense.db')));
  const token = (await readFile(folder.file('state', 'hub-api.token'), 'utf8')).trim();
  const clients: Client[] = [];
  stack.defer(() => clients.forEach((client) => client.destroy()));
  return {
    folder,
    port,
    apiPort: port + 1,
    state,
    token,
    url: `http://127.0.0.2:${port + 1}`,
    end,
    start,
    said: () => said,
    run: (...args) => (all ? alone(args) : resident(folder.path, [...words.slice(1), ...args])),
    runAlone: (...args) => alone(args),
    enrol: (name, apiToken = `token-of-${name}-0123456789`) => {
      const oneTimeKey = `ssh-ed25519 ${name}`;
      addNode(state, { name, oneTimeKey, expires: Date.now() + 60_000, ports: { from: port + 2, to: port + 5 } });
      const { privateKey, publicKey } = makeKeyPair(name);
      const facts = { apiToken, hostname: name, version: '1' };
      enrolNode(state, { oneTimeKey, publicKey: parsePublicKey(publicKey) ?? '', ...facts });
      return privateKey;
    },
    client: async (privateKey) => {
      const client = new ssh2.Client();
      clients.push(client);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      client.on('ready', resolve).on('error', reject);
      client.on('close', () => reject(new Error('closed')));
      client.connect({ host: '127.0.0.1', port, username: 'sendense', privateKey, hostVerifier: () => true });
      await promise;
      return client;
    },
    session: async (client, more = {}) => {
      const channel = await new Promise<ClientChannel>((resolve, reject) =>
        client.exec('sendense-link', (error, opened) => (error ? reject(error) : resolve(opened))),
      );
      channel.on('error', () => {});
      const hello = { version: 1, node_version: '0.1.0', hostname: 'b', boot_id: 'x', time: Date.now(), ...more };
      const answered = new Promise((resolve) => channel.once('data', resolve));
      channel.write(`${JSON.stringify(hello)}\n`);
      await answered;
      channel.resume();
      return channel;
    },
    ask: async (path = '/api/v1/health', withinMs = 3000) => {
      const headers = { authorization: `Bearer ${token}` };
      return fetch(`http://127.0.0.2:${port + 1}${path}`, { headers, signal: AbortSignal.timeout(withinMs) }).then(
        async (answer) => {
          await answer.arrayBuffer();
          return answer.status;
        },
        (error: Error) => `${error.name}: ${error.message}`,
      );
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** `sendense-run` in a folder, in a process that is there already. */
export const resident = (cwd: string, args: readonly string[]): Promise<Ended> =>
  callResident({ args, cwd, env: { ...process.env } as Record<string, string> }, 120_000);
