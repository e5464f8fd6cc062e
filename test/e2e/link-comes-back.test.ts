import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { enroll } from '../../src/node/link/enroll.ts';
import { keepLink } from '../../src/node/link/keep-link.ts';
import { makeLogger } from '../../src/node/log/logger.ts';
import { startNode } from '../../src/node/start-node.ts';
import { startFile } from '../../src/schemas/package.ts';
import type { NodeAddedOutput } from '../../src/schemas/types.ts';
import { hubProgram } from './hub-program.ts';
import { backupPlan, makeRaw } from './workspace.ts';

const patience = { timeout: 200_000, interval: 50 };
const MiB = 1024 * 1024;

test('a run that begins while the link of its node is coming back waits for it', { timeout: 300_000 }, async () => {
  await using hub = await hubProgram();
  await using stack = new AsyncDisposableStack();
  const { folder } = hub;
  const words = [startFile('cli/sendense-run'), '--config', folder.file('sendense.yaml')];
  const run = (...args: string[]) => execa(process.execPath, [...words, ...args], { reject: false, cwd: folder.path });
  const { token } = JSON.parse((await run('node', 'add', 'site-b', '--json')).stdout) as NodeAddedOutput;
  const stateDir = folder.file('node');
  await mkdir(stateDir, { mode: 0o700 });
  await enroll({
    stateDir,
    tokenFile: folder.file('node', 'token'),
    hub: { host: '127.0.0.1', port: hub.port },
    token,
    force: false,
  });
  const apiToken = (await readFile(folder.file('node', 'token'), 'utf8')).trim();
  const api = stack.use(await startNode({ listen: { host: '127.0.0.1', port: 0 }, stateDir, token: apiToken }));
  const log = makeLogger({ level: 'silent' });
  const link = () => keepLink({ stateDir, api: api.address, hub: undefined, program: 'auto', log });
  {
    await using first = await link();
    await vi.waitUntil(() => first.status().state === 'up', patience);
  }
  await vi.waitUntil(async () => (await run('node', 'list')).stdout.includes('disconnected'), patience);
  await makeRaw(folder.file('disk.raw'), 4 * MiB, [[0, MiB]]);
  await writeFile(folder.file('plan.yaml'), backupPlan([folder.file('disk.raw')], 'node: site-b\n'));
  const running = execa(process.execPath, [...words, '--json', 'run', 'plan.yaml'], {
    reject: false,
    cwd: folder.path,
  });
  let said = '';
  running.stdout.on('data', (text: Buffer) => (said += text.toString()));
  let ended = false;
  void running.finally(() => (ended = true));
  await vi.waitUntil(() => said.includes('trying again for') || ended, patience);
  expect(said).toContain('is not connected to this hub');
  stack.use(await link());
  const { exitCode, stdout } = await running;
  expect([exitCode, stdout.slice(-1500)]).toEqual([0, expect.anything()]);
});
