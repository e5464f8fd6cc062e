import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JobStatus } from '../../src/schemas/types.ts';
import { startNode } from '../../src/node/start-node.ts';
import { readJson, until } from '../node/support.ts';
import { freePort } from '../support/free-ports.ts';
import { leftovers } from './nothing-left.ts';
import { expectClean, MiB, vsphereWorkspace } from './vsphere-workspace.ts';
import { program } from './workspace.ts';

test(
  'a hub that dies for good: the node removes the snapshot by itself, and recover finds nothing to do',
  { timeout: 300_000 },
  async () => {
    const port = await freePort();
    await using at = await vsphereWorkspace({
      settings: [
        'nodes:',
        `  esx: { mode: direct, url: "http://127.0.0.1:${port}", token: { secret: { file: ./token } } }`,
      ],
    });
    const { work, vcenter } = at;
    await writeFile(work.path('token'), 'canary-token-0123456789abcdef');
    const stateDir = work.path('node');
    const jobs = join(stateDir, 'jobs');
    await using _node = await startNode({
      listen: { host: '127.0.0.1', port },
      stateDir,
      token: 'canary-token-0123456789abcdef',
    });
    const vm = await vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      disks: [{ capacity: 16 * MiB, controller: 'scsi0', unit: 0, content: Buffer.alloc(12 * MiB, 7) }],
    });
    await at.plan('plan.yaml', vm, [], ['node: esx', 'limits: { jobRate: 128KiB }']);
    const hub = spawn(process.execPath, [program, '--json', 'run', 'plan.yaml'], { cwd: work.folder, stdio: 'ignore' });
    const ended = once(hub, 'exit');
    const status = (job: string): Promise<JobStatus> => readJson<JobStatus>(join(jobs, job, 'status.json'));
    const job = await until(async () => {
      const [name] = readdirSync(jobs);
      const started = name === undefined ? null : await status(name).catch(() => null);
      return started?.disks[0]?.phase === 'copying' && name;
    }, 'it copies');
    expect(await vm.snapshots()).toHaveLength(1);
    hub.kill('SIGKILL');
    await ended;
    // Ten minutes later.
    const uptimeMs = Number(process.hrtime.bigint() / 1_000_000n);
    await writeFile(join(jobs, job, 'asked'), String(uptimeMs - 600_000));
    await until(async () => (await status(job)).finished !== null, 'it is given up');
    expect(await status(job)).toMatchObject({
      status: 'cancelled',
      error: { code: 'job.abandoned', message: 'nobody asked for the transfer for 120 s, so it was cancelled' },
    });
    await expectClean(vm);
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect(readdirSync(jobs)).toEqual([]);
    expect(leftovers(work.folder)).toEqual([]);
  },
);
