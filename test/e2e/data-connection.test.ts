import { randomUUID } from 'node:crypto';
/** The hub as a service of a user without a shell and without rights: its nodes' data goes through an sshd that ends with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import { nodeSocket } from '../../src/hub/nodes/node-sockets.ts';
import { enroll } from '../../src/node/link/enroll.ts';
import { keepLink, type Link } from '../../src/node/link/keep-link.ts';
import { makeLogger } from '../../src/node/log/logger.ts';
import { startNode } from '../../src/node/start-node.ts';
import { startFile } from '../../src/schemas/package.ts';
import type { NodeAddedOutput, NodesOutput } from '../../src/schemas/types.ts';
import { nodeAddress } from '../../src/state/nodes/node-address.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { parseExposition } from '../support/exposition.ts';
import { freePorts } from '../support/free-ports.ts';

const patience = { timeout: 200_000, interval: 50 };
const apiToken = 'canary-api-token-0123456789abcdef';

test.skipIf(process.getuid?.() !== 0)(
  'a hub without rights hands the disks to sshd, which ends with it, however it ends',
  { timeout: 300_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryFolder());
    const user = `sdt${process.pid}${randomUUID().slice(0, 4)}`;
    // As the package makes it: no shell, and the password locked.
    await execa('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', user]);
    stack.defer(async () => void (await execa('userdel', ['--force', user], { reject: false })));
    const uid = Number((await execa('id', ['-u', user])).stdout);
    const asUser = ['setpriv', '--reuid', user, '--regid', user, '--clear-groups', '--'];
    const home = folder.file('hub');
    await mkdir(home, { mode: 0o700 });
    await execa('chmod', ['711', folder.path]);
    const [from = 0] = await freePorts(12);
    await writeFile(
      `${home}/sendense.yaml`,
      [
        'version: 1',
        'repositories: { primary: { path: ./repository } }',
        `ports: { from: ${from + 6}, to: ${from + 9} }`,
        `hub: { listen: '127.0.0.1:${from}', api: '127.0.0.2:${from + 1}', nodePorts: { from: ${from + 2}, to: ${from + 5} } }`,
      ].join('\n'),
    );
    for (const path of [home, `${home}/sendense.yaml`]) await chown(path, uid, uid);
    const words = [process.execPath, startFile('cli/sendense-run'), '--config', `${home}/sendense.yaml`];
    const options = {
      cwd: home,
      env: { ...process.env, TMPDIR: home, HOME: '/nonexistent', SHELL: '/usr/sbin/nologin' },
    };
    const run = async (...args: string[]): Promise<string> => {
      const [first = '', ...rest] = [...asUser, ...words, ...args];
      return (await execa(first, rest, options)).stdout;
    };
    let said = '';
    const startHub = async (): Promise<ChildProcess> => {
      said = '';
      const [first = '', ...rest] = [...asUser, ...words, 'hub', '--log-level', 'debug'];
      const child = spawn(first, rest, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
      stack.defer(() => void child.kill('SIGKILL'));
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
      await vi.waitUntil(() => said.includes('"listening"'), patience);
      return child;
    };
    /** The sshd of the connection, and what counts its bytes. */
    const helpers = async (): Promise<string[]> => {
      const { stdout } = await execa('ps', ['-o', 'args=', '-u', `${uid}`], { reject: false });
      return stdout.split('\n').filter((line) => /sshd|sendense-count/.test(line));
    };

    let hub = await startHub();
    const { token, reverse_port: reversePort } = JSON.parse(
      await run('node', 'add', 'site-b', '--json'),
    ) as NodeAddedOutput;
    const stateDir = folder.file('node');
    await mkdir(stateDir, { mode: 0o700 });
    const tokenFile = folder.file('node', 'token');
    await writeFile(tokenFile, `${apiToken}\n`, { mode: 0o600 });
    await enroll({ stateDir, tokenFile, hub: { host: '127.0.0.1', port: from }, token, force: false });
    const api = stack.use(await startNode({ listen: { host: '127.0.0.1', port: 0 }, stateDir, token: apiToken }));
    const log = makeLogger({ level: 'silent' });
    const link: Link = stack.use(await keepLink({ stateDir, api: api.address, hub: undefined, program: 'auto', log }));
    const isUp = (): Promise<unknown> =>
      vi
        .waitFor(
          () => expect(link.status()).toMatchObject({ state: 'up', data: { way: 'connection', state: 'up' } }),
          patience,
        )
        .catch((cause: unknown) => {
          throw new Error(`${JSON.stringify(link.status())}\n${said.slice(-3000)}`, { cause });
        });
    const echo = createServer((socket) => socket.pipe(socket)).listen(from + 6, nodeAddress(reversePort));
    stack.defer(() => void echo.close());
    const works = async (): Promise<void> => {
      const socket = (await import('node:net')).connect(from + 6, '127.0.0.1');
      socket.write('written to a disk');
      expect(String((await once(socket, 'data'))[0])).toBe('written to a disk');
      socket.destroy();
      const url = `unix:${nodeSocket(`${home}/state/sendense.db`, reversePort)}`;
      expect((await nodeClient({ url, token: apiToken }).health()).status).toBe('ok');
    };

    await isUp();
    await works();
    expect((JSON.parse(await run('node', 'list', '--json')) as NodesOutput).nodes[0]).toMatchObject({ data: 'sshd' });
    for (const name of [/sshd/, /sendense-count/])
      expect(await helpers()).toContainEqual(expect.stringMatching(name) as string);
    const figures = await scrape(`http://127.0.0.2:${from + 1}`, `${home}/state/hub-api.token`);
    expect(figures.get('sendense_hub_node_data_by_sshd')?.samples[0]).toMatchObject({ value: 1 });
    expect(figures.get('sendense_hub_data_connections_total')?.samples[0]).toMatchObject({ value: 4 });
    const bySshd = figures
      .get('sendense_hub_forwarded_bytes_total')
      ?.samples.filter(({ labels }) => labels['by'] === 'sshd');
    expect(bySshd?.map(({ labels }) => labels)).toEqual(
      ['from_node', 'to_node'].map((direction) => ({ node: 'site-b', direction, by: 'sshd' })),
    );
    for (const { value } of bySshd ?? []) expect(value).toBeGreaterThan(1000);

    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const ended = once(hub, 'exit');
      hub.kill(signal);
      await ended;
      await vi.waitFor(async () => expect(await helpers()).toEqual([]), patience);
      hub = await startHub();
      await isUp();
      await works();
    }
  },
);

async function scrape(api: string, tokenFile: string): Promise<ReturnType<typeof parseExposition>> {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const answer = await fetch(`${api}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return parseExposition(await answer.text());
}
