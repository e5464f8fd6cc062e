import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { twoHosts, type TestHost, type TwoHosts } from '../simulators/network/two-hosts.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { programs } from '../programs.ts';
import { defaultSettings, workspace, type Workspace } from './workspace.ts';

/** The first NBD port of the hub, and the last: few, so that authorized_keys stays readable. */
export const nbdPorts = { from: 10_100, to: 10_109 };

const permitted = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `permitlisten="127.0.0.1:${from + index}"`).join(',');

/** Exactly what docs/network.md tells to write before the hub's key in authorized_keys on the node. */
export const keyOptions = (ports = nbdPorts): string =>
  `restrict,port-forwarding,permitopen="127.0.0.1:8081",${permitted(ports.from, ports.to)},command="cat"`;

export interface DialledWorkspace extends AsyncDisposable {
  readonly hosts: TwoHosts;
  /** Its programs run on the hub. */
  readonly work: Workspace;
  readonly sshd: Sshd;
  /** Where the node keeps what belongs to its jobs. */
  readonly jobsFolder: string;
  /** Writes sendense.yaml, with changes of its node entry. */
  settings(changed?: Partial<Record<'hostKey' | 'key' | 'api' | 'port', string>>, more?: string): Promise<void>;
}

/** A hub, and a node with sshd and sendense-node, on two hosts; the settings dial the node `sna1`. */
export async function dialledWorkspace(options: { keyOptions?: string } = {}): Promise<DialledWorkspace> {
  await using stack = new AsyncDisposableStack();
  const hosts = stack.use(await twoHosts());
  const work = stack.use(await workspace({ prefix: hosts.hub.prefix }));
  const far = stack.use(await temporaryFolder());
  const sshd = stack.use(
    await startSshd(far.file('sshd'), {
      address: hosts.node.address,
      port: 22,
      prefix: hosts.node.prefix,
      keyOptions: options.keyOptions ?? keyOptions(),
      config: ['ClientAliveInterval 5', 'ClientAliveCountMax 3'],
    }),
  );
  stack.use(await startNode(hosts.node, far.file('node')));
  const settings: DialledWorkspace['settings'] = async (changed = {}, more = '') => {
    const {
      hostKey = sshd.server.hostKeys[0] ?? '',
      key = `{ file: ${sshd.keyFile} }`,
      api = '127.0.0.1:8081',
      port = '22',
    } = changed;
    await work.write(
      'sendense.yaml',
      `${defaultSettings}ports: { from: ${nbdPorts.from}, to: ${nbdPorts.to} }
nodes:
  sna1:
    mode: dial-node
    host: ${hosts.node.address}
    port: ${port}
    user: ${sshd.server.user}
    hostKey: ${hostKey}
    key: { secret: ${key} }
    api: ${api}
    token: { secret: { file: ${far.file('node/token')} } }
${more}`,
    );
  };
  await settings();
  const made = stack.move();
  return {
    hosts,
    work,
    sshd,
    settings,
    jobsFolder: far.file('node/jobs'),
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

async function startNode(host: TestHost, stateDir: string): Promise<AsyncDisposable> {
  await mkdir(stateDir);
  const serve = [process.execPath, programs.node, 'serve', '--listen', '127.0.0.1:8081', '--state-dir', stateDir];
  const [file = '', ...args] = [...host.prefix, ...serve];
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (line.includes('listening on')) break;
  }
  if (child.exitCode !== null) throw new Error(`sendense-node did not start: ${said.join('\n')}`);
  child.stderr.resume();
  await readFile(join(stateDir, 'token'));
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** A key that nobody knows. */
export const writeKey = (file: string, privateKey: string): Promise<void> =>
  writeFile(file, privateKey, { mode: 0o600 });
