import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { enroll } from '../../src/node/link/enroll.ts';
import { keepLink } from '../../src/node/link/keep-link.ts';
import { makeLogger } from '../../src/node/logger.ts';
import { startNode } from '../../src/node/start-node.ts';
import { startFile } from '../../src/schemas/package.ts';
import type { NodeAddedOutput } from '../../src/schemas/types.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { freePorts } from '../support/free-ports.ts';
import { strangerAt } from '../support/stranger.ts';

const patience = { timeout: 60_000, interval: 50 };
const apiToken = 'canary-api-token-0123456789abcdef';
const password = 'canary-password-0123456789';

test.skipIf(process.getuid?.() !== 0)(
  "another user of the hub who takes a node's port first hears nothing, and stops nothing",
  { timeout: 120_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryFolder());
    const [from = 0] = await freePorts(8);
    await writeFile(folder.file('password'), `${password}\n`, { mode: 0o600 });
    await writeFile(
      folder.file('sendense.yaml'),
      [
        'version: 1',
        'repositories: { primary: { path: ./repository } }',
        `ports: { from: ${from + 4}, to: ${from + 7} }`,
        `hub: { listen: '127.0.0.1:${from}', api: '127.0.0.2:${from + 1}', nodePorts: { from: ${from + 2}, to: ${from + 3} } }`,
        `sources: { vc: { type: vsphere, host: '127.0.0.1:1', user: root, password: { secret: { file: ./password } }, thumbprint: '${Array(20).fill('AA').join(':')}' } }`,
      ].join('\n'),
    );
    const words = [startFile('cli/sendense-run'), '--config', folder.file('sendense.yaml')];
    const run = (...args: string[]) =>
      execa(process.execPath, [...words, ...args], { reject: false, cwd: folder.path });
    const hub = spawn(process.execPath, [...words, 'hub'], { stdio: ['ignore', 'pipe', 'pipe'] });
    stack.defer(async () => {
      hub.kill('SIGTERM');
      await vi.waitUntil(() => hub.exitCode !== null || hub.signalCode !== null, patience);
    });
    let said = '';
    for (const stream of [hub.stdout, hub.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
    await vi.waitUntil(() => said.includes('"listening"'), patience);
    const { token, reverse_port: port } = JSON.parse(
      (await run('node', 'add', 'site-b', '--json')).stdout,
    ) as NodeAddedOutput;
    const stranger = stack.use(await strangerAt(port));
    const stateDir = folder.file('node');
    await mkdir(stateDir, { mode: 0o700 });
    const tokenFile = folder.file('node', 'token');
    await writeFile(tokenFile, `${apiToken}\n`, { mode: 0o600 });
    await enroll({ stateDir, tokenFile, hub: { host: '127.0.0.1', port: from }, token, force: false });
    const api = stack.use(await startNode({ listen: { host: '127.0.0.1', port: 0 }, stateDir, token: apiToken }));
    const log = makeLogger({ level: 'silent' });
    const link = stack.use(await keepLink({ stateDir, api: api.address, hub: undefined, program: 'auto', log }));
    // A node that holds its session and has not asked for its port yet is listed as connected.
    await vi.waitUntil(async () => /connected/.test((await run('node', 'list')).stdout), patience);
    await run('discover', 'vc', '--node', 'site-b');
    await vi.waitUntil(() => link.status().state === 'up', patience);
    const { exitCode, stderr } = await run('discover', 'vc', '--node', 'site-b');
    // The node was asked: it is the vCenter that is not there.
    expect([exitCode, stderr]).toEqual([75, expect.stringContaining('vsphere.unreachable')]);
    expect([stranger.connections(), stranger.heard()]).toEqual([0, '']);
  },
);
