import { execa } from 'execa';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, vi } from 'vitest';
import { argvOf, isRunning } from '../../../src/host/programs/process-identity.ts';
import type { NodeAddedOutput } from '../../../src/schemas/types.ts';
import { connectionOf } from '../../../src/state/nodes/node-connections.ts';
import { listNodes } from '../../../src/state/nodes/nodes.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { behindNat, type BehindNat } from '../../simulators/network/behind-nat.ts';
import type { TestHost } from '../../simulators/network/host.ts';
import { startSshd, type Sshd } from '../../support/sshd.ts';
import { keyOptions } from '../dialled-node.ts';
import { leftovers } from '../nothing-left.ts';
import { defaultSettings, program, workspace, type Workspace } from '../workspace.ts';
import { programs } from '../../programs.ts';
import { startService, type Service } from './service.ts';

/** How hub and node come together: dial-hub with the built-in server, dial-hub with OpenSSH, dial-node, direct in a trusted network, and the data beside the tunnel with TLS. */
export type Mode = 'built-in' | 'openssh' | 'dial-node' | 'direct' | 'tls';

export const modes: readonly Mode[] = ['built-in', 'openssh', 'dial-node', 'direct'];
export const allModes: readonly Mode[] = [...modes, 'tls'];

const dialsHub = (mode: Mode): boolean => mode === 'built-in' || mode === 'openssh' || mode === 'tls';

export const patience = { timeout: 200_000, interval: 50 };

/** A node as the tests see it: programs on a host of its own, with a state folder of its own. */
export interface SiteNode {
  readonly name: string;
  readonly host: TestHost;
  readonly stateDir: string;
  readonly service: Service;
  /** Any sendense-node call; never throws for an exit code. */
  call(args: readonly string[], input?: string): Promise<{ exitCode: number; stdout: string; stderr: string }>;
}

/** A hub and a customer's network, connected in one of the modes; the plans name the node `site-1`, and so on. */
export interface Site extends AsyncDisposable {
  readonly mode: Mode;
  readonly net: BehindNat;
  /** Its programs run on the hub. */
  readonly work: Workspace;
  readonly nodes: readonly [SiteNode, ...SiteNode[]];
  /** `sendense-run hub`. */
  readonly hub: Service;
  /** OpenSSH, where the mode has one: on the hub for `openssh`, on the node for `dial-node`. */
  readonly sshd: Sshd | null;
  /** Waits until the hub sees the node; a node that it does not wait for always is. */
  connected(node?: SiteNode): Promise<void>;
  /** Waits until both hosts run what they ran at first; then checks that nothing else is left of any run. */
  expectNothingLeft(): Promise<void>;
}

export interface SiteOptions {
  readonly nodes?: number;
  /** What carries the tunnel on the nodes; default: OpenSSH, as it is there. */
  readonly program?: 'ssh2';
}

export async function openSite(mode: Mode, { nodes: count = 1, program: carrier }: SiteOptions = {}): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const opened = { 'built-in': [], 'openssh': [], 'tls': [], 'dial-node': [22], 'direct': [8081] }[mode];
  const net = stack.use(await behindNat({ nodes: count, opened }));
  const work = stack.use(await workspace({ prefix: net.hub.prefix }));
  const far = stack.use(await temporaryFolder());
  // Before the folders go: sessions of an sshd that has ended may still write into them.
  stack.defer(async () => void (await Promise.all([net.hub, ...net.nodes].map((host) => host.endProcesses()))));
  const sshd = mode === 'openssh' || mode === 'dial-node' ? await sshdFor(mode, net, work, far.file('sshd')) : null;
  if (sshd) stack.use(sshd);
  await work.write('sendense.yaml', `${defaultSettings}${settingsOf(mode, net, work, sshd, far.file('n1'))}`);
  const hub = stack.use(
    await startService({
      host: net.hub,
      argv: [process.execPath, program, 'hub', '--log-level', 'debug'],
      cwd: work.folder,
      ready: /"listening"/,
    }),
  );
  // In order, so that the first gets the first of the reverse ports.
  const tokens: string[] = [];
  if (dialsHub(mode))
    for (const index of net.nodes.keys()) tokens.push(await enrolmentToken(work, `site-${index + 1}`));
  const nodes = await Promise.all(
    net.nodes.map(async (host, index) => {
      const number = index + 1;
      const node = await startNode(mode, net, host, `site-${number}`, far.file(`n${number}`), tokens[index], carrier);
      stack.use(node.service);
      return node;
    }),
  );
  const connected = async (node = nodes[0]): Promise<void> => {
    if (!dialsHub(mode)) return;
    await vi
      .waitUntil(() => node && isConnected(work, node.name), patience)
      .catch((cause: unknown) => {
        const said = [node?.service.log(), hub.log(), sshd?.log()].map((log) => log?.slice(-2000)).join('\n\n');
        throw new Error(`${node?.name} does not connect:\n${said}`, { cause });
      });
  };
  for (const node of nodes) await connected(node);
  const hosts = [net.hub, ...net.nodes];
  const standing = await settled(() => Promise.all(hosts.map(programsOn)));
  const made = stack.move();
  return {
    mode,
    net,
    work,
    nodes: nodes as [SiteNode, ...SiteNode[]],
    hub,
    sshd,
    connected,
    expectNothingLeft: async () => {
      await vi.waitFor(async () => expect(await Promise.all(hosts.map(programsOn))).toEqual(standing), patience);
      // The forced command of an enrolled node's session names the folder of the hub's settings.
      expect(leftovers(work.folder).filter((left) => !/ node link site-\d+ /.test(left))).toEqual([]);
      for (const { stateDir } of nodes) {
        expect(await readdir(join(stateDir, 'jobs')).catch(() => [])).toEqual([]);
        expect(await readdir(temporaryOf(stateDir))).toEqual([]);
      }
    },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

/** What two looks see alike: commands that last for a moment are in one of them. */
async function settled<Seen>(look: () => Promise<Seen>): Promise<Seen> {
  let seen = await look();
  await vi.waitUntil(
    async () => {
      const before = seen;
      seen = await look();
      return isDeepStrictEqual(seen, before);
    },
    { ...patience, interval: 300 },
  );
  return seen;
}

/** Command lines and listening ports of a host. */
async function programsOn(host: TestHost): Promise<string[]> {
  const { stdout } = await execa('ip', ['netns', 'pids', host.namespace]);
  const names = stdout
    .split('\n')
    .filter(Boolean)
    .map((pid) => argvOf(Number(pid)).join(' ').trim())
    // What counts the bytes of a connection names the port that the node has for it, another one after each break.
    .map((argv) => argv.replace(/(sendense-count [0-9]+) [0-9]+$/, '$1 of the node'))
    // The title of a session of sshd says this until the session stands.
    .map((argv) => argv.replace(/^(sshd: \S+) \[priv\]$/, '$1'));
  const sockets = (await host.run('ss', '-Hltn')).split('\n').map((line) => `listens on ${line.split(/\s+/)[3]}`);
  return [...names.filter(Boolean), ...sockets].toSorted();
}

function isConnected(work: Workspace, name: string): boolean {
  using state = openState(work.path('state/sendense.db'), { readOnly: true });
  const node = listNodes(state).find((one) => one.name === name);
  // And it has its way to the disks.
  return Boolean(node && connectionOf(node, isRunning)?.data);
}

/** Where the temporary files of a node go; a machine has its own. */
const temporaryOf = (stateDir: string): string => `${stateDir}t`;

function settingsOf(mode: Mode, net: BehindNat, work: Workspace, sshd: Sshd | null, stateDir: string): string {
  const token = `token: { secret: { file: ${join(stateDir, 'token')} } }`;
  const hostKey = sshd?.server.hostKeys[0] ?? '';
  switch (mode) {
    case 'built-in':
      return `hub: { listen: ${net.hub.address}:443 }\n`;
    case 'tls':
      return `hub: { listen: ${net.hub.address}:443 }
nodes:
  site-1: { mode: dial-hub, data: { listen: ${net.hub.address}, host: ${net.hub.address}, tls: psk } }
`;
    case 'openssh':
      return `hub: { ssh: openssh, user: root, hostKey: ${work.path('sshd.pub')} }\n`;
    case 'dial-node':
      return `nodes:
  site-1:
    mode: dial-node
    host: ${net.router.address}
    user: ${sshd?.server.user ?? ''}
    hostKey: ${hostKey}
    key: { secret: { file: ${sshd?.keyFile ?? ''} } }
    ${token}
`;
    case 'direct':
      return `nodes:
  site-1:
    mode: direct
    url: http://${net.router.address}:8081
    data: { listen: ${net.hub.address}, host: ${net.hub.address}, tls: none }
    ${token}
`;
  }
}

/** On the hub with the very lines that `sendense-run node sshd-config` prints, else on the node with those of docs/network.md. */
async function sshdFor(mode: Mode, net: BehindNat, work: Workspace, folder: string): Promise<Sshd> {
  if (mode === 'dial-node')
    return startSshd(folder, {
      address: '0.0.0.0',
      port: 22,
      prefix: net.nodes[0].prefix,
      keyOptions: keyOptions({ from: 10_100, to: 10_200 }),
      config: ['ClientAliveInterval 5', 'ClientAliveCountMax 3'],
    });
  await work.write('sendense.yaml', `${defaultSettings}hub: { ssh: openssh, user: root }\n`);
  const { stdout } = await work.call(['node', 'sshd-config', '--write', '--json']);
  const { config } = JSON.parse(stdout) as { config: string };
  const sshd = await startSshd(folder, {
    address: net.hub.address,
    port: 443,
    prefix: net.hub.prefix,
    last: config.split('\n'),
  });
  await work.write('sshd.pub', `${sshd.server.hostKeys[0]}\n`);
  return sshd;
}

/** With a token it is enrolled first. */
async function startNode(
  mode: Mode,
  net: BehindNat,
  host: TestHost,
  name: string,
  stateDir: string,
  token: string | undefined,
  carrier: SiteOptions['program'],
): Promise<SiteNode> {
  const env = { TMPDIR: temporaryOf(stateDir) };
  for (const folder of [stateDir, env.TMPDIR]) await mkdir(folder, { mode: 0o700 });
  const call: SiteNode['call'] = async (args, input = '') => {
    const [file = '', ...rest] = [...host.prefix, process.execPath, programs.node, '--state-dir', stateDir, ...args];
    const result = await execa(file, rest, { reject: false, timeout: 200_000, env, input });
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  };
  if (token !== undefined) {
    const enrolled = await call(['enroll', '--hub', `${net.hub.address}:443`, '--token', '-'], token);
    expect(enrolled, enrolled.stderr).toMatchObject({ exitCode: 0 });
  }
  const config = join(stateDir, 'node.yaml');
  await writeFile(config, `version: 1\ntunnel: { program: ${carrier ?? 'auto'} }\n`);
  const listen = mode === 'direct' ? `${host.address}:8081` : '127.0.0.1:8081';
  const service = await startService({
    host,
    argv: [
      process.execPath,
      programs.node,
      '--config',
      config,
      '--state-dir',
      stateDir,
      'serve',
      '--listen',
      listen,
    ].concat(token === undefined ? [] : ['--tunnel']),
    cwd: stateDir,
    env,
    ready: /listening on/,
  });
  return { name, host, stateDir, service, call };
}

/** The token that `sendense-run node add` prints. */
export async function enrolmentToken(work: Workspace, name: string, ...more: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await work.call(['node', 'add', name, '--json', ...more]);
  if (exitCode !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as NodeAddedOutput).token;
}
