import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeRunFolder, makeRunFolder, runFolderOf } from '../../src/host/programs/run-folder.ts';
import { nodeIdOf } from '../../src/node/sources/vsphere/node-id.ts';
import { holdJob } from '../../src/node/sources/vsphere/job-hold.ts';
import { snapshotDescription, snapshotName } from '../../src/node/vsphere/snapshot-mark.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import type { CleanedUp, CleanupRequest } from '../../src/schemas/types.ts';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import { ask, raw } from './raw-request.ts';
import {
  finished,
  fullRequest,
  imageSpec,
  makeRaw,
  MiB,
  processesOf,
  sha256Of,
  slowTarget,
  target,
  testNode,
  until,
  workshop,
  type TestNode,
  type Workshop,
} from './support.ts';

async function cleanUp(node: TestNode, request: Partial<CleanupRequest> = {}): Promise<CleanedUp> {
  const answer = await ask<CleanedUp>(node, 'POST', '/api/v1/cleanup', request);
  expect(validatorOf('node/cleaned-up.json')(answer)).toBe(true);
  return answer;
}

const nothing = { jobs: [], strays: [], run_folders: [], indexes: [], snapshots: [], kept_snapshots: [], warnings: [] };

async function endedJob(at: Workshop, node: TestNode, id: string): Promise<void> {
  const disk = await makeRaw(at.path(`${id}.raw`), MiB, [[0, MiB]]);
  await using to = await target(at, id, MiB);
  await node.api.startBackup(fullRequest(id, imageSpec(disk), [to.uri]));
  expect(await finished(node.api, id)).toMatchObject({ status: 'succeeded' });
}

test(
  'ended jobs and unused indexes that are old enough go, a running job and its folder stay',
  { timeout: 300_000 },
  async () => {
    await using at = await workshop();
    await using node = await testNode(at);
    await endedJob(at, node, 'old');
    const index = await makeRaw(at.path('index'), 4096, [[0, 4096]]);
    const sha256 = await sha256Of(index);
    await node.api.putIndex(sha256, index);
    await using slow = await slowTarget(at, 'slow', 32 * MiB);
    const disk = await makeRaw(at.path('running.raw'), 32 * MiB, [[0, 32 * MiB]]);
    await node.api.startBackup(fullRequest('running', imageSpec(disk), [slow.uri]));
    await until(async () => (await node.api.status('running')).disks[0]?.phase === 'copying', 'it copies');

    expect(await cleanUp(node)).toEqual({ ...nothing, dry_run: false });
    const would = await cleanUp(node, { older_than_seconds: 0, dry_run: true });
    expect(would).toMatchObject({
      dry_run: true,
      jobs: [{ job_id: 'old', status: 'succeeded' }],
      indexes: [{ sha256, bytes: 4096 }],
      strays: [],
      run_folders: [],
    });
    expect(await readdir(join(node.stateDir, 'jobs'))).toEqual(['old', 'running']);
    expect(await readdir(join(node.stateDir, 'indexes'))).toHaveLength(1);

    expect(await cleanUp(node, { older_than_seconds: 0 })).toEqual({ ...would, dry_run: false });
    expect(await readdir(join(node.stateDir, 'jobs'))).toEqual(['running']);
    expect(await readdir(join(node.stateDir, 'indexes'))).toEqual([]);
    expect(await node.api.status('running')).toMatchObject({ status: 'running', error: null });
    await node.api.remove('running');
    expect(await cleanUp(node, { older_than_seconds: 0 })).toEqual({ ...nothing, dry_run: false });
  },
);

test(
  'data movers of a job that is gone are stopped, those of others are left alone',
  { timeout: 300_000 },
  async () => {
    await using at = await workshop();
    await using node = await testNode(at);
    const gone = join(node.stateDir, 'jobs', 'gone');
    await mkdir(gone);
    const elsewhere = at.path('elsewhere');
    await mkdir(elsewhere);
    const serve = async (folder: string) => {
      const socket = join(folder, 's');
      const args = ['--foreground', '--exit-with-parent', `--pidfile=${join(folder, 'pid')}`, `--unix=${socket}`];
      const child = spawn('nbdkit', [...args, 'memory', '1M'], { stdio: 'ignore' });
      const ended = once(child, 'exit');
      await until(() => existsSync(join(folder, 'pid')), 'nbdkit is ready');
      return { child, ended };
    };
    const stray = await serve(gone);
    const other = await serve(elsewhere);
    try {
      const expected = [{ pid: stray.child.pid, program: 'nbdkit' }];
      expect((await cleanUp(node, { dry_run: true })).strays).toEqual(expected);
      expect(stray.child.exitCode ?? stray.child.signalCode).toBeNull();
      expect((await cleanUp(node)).strays).toEqual(expected);
      await stray.ended;
      expect(processesOf(elsewhere)).toHaveLength(1);
    } finally {
      stray.child.kill('SIGKILL');
      other.child.kill('SIGKILL');
      await Promise.all([stray.ended, other.ended]);
    }
  },
);

test(
  'old folders for sockets that no process names are removed, young ones and those in use stay',
  { timeout: 300_000 },
  async () => {
    await using at = await workshop();
    await using node = await testNode(at);
    const ids = ['dead', 'used', 'young'].map((_, number) => `job-${String(number).repeat(16)}`);
    const [dead, used] = await Promise.all(ids.map((id) => makeRunFolder(id)));
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const folder of [dead!, used!]) await utimes(folder, longAgo, longAgo);
    const user = spawn('tail', ['-f', '/dev/null', `${used}/x`], { stdio: 'ignore' });
    try {
      const mine = (answer: CleanedUp): string[] =>
        answer.run_folders.filter((path) => ids.some((id) => path === runFolderOf(id)));
      expect(mine(await cleanUp(node, { dry_run: true }))).toEqual([dead]);
      expect(existsSync(dead!)).toBe(true);
      expect(mine(await cleanUp(node))).toEqual([dead]);
      expect(ids.map((id) => existsSync(runFolderOf(id)))).toEqual([false, true, true]);
    } finally {
      user.kill('SIGKILL');
      await once(user, 'exit');
      for (const id of ids) await removeRunFolder(id);
    }
  },
);

test(
  'snapshots of ours that were left on a VM go, foreign ones and those of a job that lives stay',
  { timeout: 300_000 },
  async () => {
    await using at = await workshop();
    await using vcenter = await startVcenter();
    await using node = await testNode(at);
    const vm = await vcenter.addVm({ name: 'pgtest1', cbt: true, disks: [{ capacity: MiB }] });
    const id = await nodeIdOf(join(node.stateDir, 'jobs', 'any'));
    const make = async (job: string, of: string, time: number): Promise<string> => {
      const mark = { job, backup: null, node: of, time };
      await vm.snapshot(snapshotName(mark), snapshotDescription(mark));
      return snapshotName(mark);
    };
    await vm.snapshot('by hand', 'before the upgrade');
    const left = await make('left', id, 0);
    await make('lives', id, Date.now());
    await make('elsewhere', 'another-node', Date.now());
    await using held = await holdJob(join(node.stateDir, 'jobs', 'any'), id, 'lives');
    void held;
    const request: Partial<CleanupRequest> = {
      source: {
        type: 'vsphere',
        name: 'test',
        host: vcenter.host,
        port: vcenter.port,
        user: vcenter.user,
        credential: null,
        thumbprint: vcenter.thumbprint,
        ca: null,
        path: vm.path,
        moref: null,
        quiesce: 'try',
        cbt: 'auto',
        foreign_snapshots: 'refuse',
        transports: ['https'],
        vddk: null,
        ssh: null,
        disks_per_host: 8,
      },
      vcenter_user: vcenter.user,
      vcenter_password: vcenter.password,
    };
    const would = await cleanUp(node, { ...request, dry_run: true });
    expect(would.snapshots).toMatchObject([{ name: left, job_id: 'left', vm_name: 'pgtest1' }]);
    expect(would.kept_snapshots.map(({ job_id: job, reason }) => [job, reason])).toEqual([
      ['lives', 'its job lives'],
      ['elsewhere', expect.stringContaining('another-node')],
    ]);
    expect(await vm.snapshots()).toHaveLength(4);
    expect(await cleanUp(node, request)).toEqual({ ...would, dry_run: false });
    expect((await vm.snapshots()).map(({ name }) => name)).toEqual(['by hand', 'sendense-lives', 'sendense-elsewhere']);
    expect((await cleanUp(node, request)).snapshots).toEqual([]);
    const wrong = JSON.stringify({ ...request, vcenter_password: 'canary-wrong' });
    const refused = await raw(node, 'POST', '/api/v1/cleanup', wrong);
    expect(refused.body.error.code).toBe('vsphere.login');
    expect(JSON.stringify(refused.body)).not.toContain('canary');
  },
);

test('a request that is no clean-up is refused with its field', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  for (const [body, field] of [
    [{ older_than_seconds: -1 }, '/older_than_seconds'],
    [{ dry_run: 'yes' }, '/dry_run'],
    [{ everything: true }, '/everything'],
    [{ source: { type: 'vsphere' } }, '/source/name'],
  ] as const) {
    const answer = await raw(node, 'POST', '/api/v1/cleanup', JSON.stringify(body));
    expect([answer.status, answer.body.field]).toEqual([400, field]);
  }
});
