import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { enroll } from '../../src/node/link/enroll.ts';
import { keepLink } from '../../src/node/link/keep-link.ts';
import { makeLogger } from '../../src/node/log/logger.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { NodeAddedOutput } from '../../src/schemas/types.ts';
import { strangerAt } from '../support/stranger.ts';
import { hubProgram } from './hub-program.ts';

const patience = { timeout: 200_000, interval: 50 };
const apiToken = 'canary-api-token-0123456789abcdef';
const password = 'canary-password-0123456789';

test.skipIf(process.getuid?.() !== 0)(
  "another user of the hub who takes a node's port first hears nothing, and stops nothing",
  { timeout: 300_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const hub = stack.use(
      await hubProgram(
        `sources: { vc: { type: vsphere, host: '127.0.0.1:1', user: root, password: { secret: { file: ./password } }, thumbprint: '${Array(20).fill('AA').join(':')}' } }`,
      ),
    );
    const { folder, run } = hub;
    await writeFile(folder.file('password'), `${password}\n`, { mode: 0o600 });
    const { token, reverse_port: port } = JSON.parse(
      (await run('node', 'add', 'site-b', '--json')).stdout,
    ) as NodeAddedOutput;
    const stranger = stack.use(await strangerAt(port));
    const stateDir = folder.file('node');
    await mkdir(stateDir, { mode: 0o700 });
    const tokenFile = folder.file('node', 'token');
    await writeFile(tokenFile, `${apiToken}\n`, { mode: 0o600 });
    await enroll({ stateDir, tokenFile, hub: { host: '127.0.0.1', port: hub.port }, token, force: false });
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
