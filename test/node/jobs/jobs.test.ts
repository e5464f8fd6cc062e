import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { nodeClient, type NodeClient } from '../../../src/host/node-api/node-client.ts';
import { identityOf, thisProcess } from '../../../src/host/programs/process-identity.ts';
import { jobFolderIn } from '../../../src/node/jobs/job-folder.ts';
import { maxRunning } from '../../../src/node/jobs/jobs.ts';
import { validatorOf } from '../../../src/schemas/validator.ts';
import type { JobStatus } from '../../../src/schemas/types.ts';
import { programs } from '../../programs.ts';
import {
  assertSame,
  finished,
  fullRequest,
  imageSpec,
  incrementalRequest,
  makeRaw,
  MiB,
  processesOf,
  slowTarget,
  target,
  testNode,
  token,
  until,
  workshop,
  writeAt,
} from '../support.ts';

const copying = (api: NodeClient, id: string): Promise<JobStatus> =>
  until(async () => {
    const job = await api.status(id);
    if (job.finished !== null) throw new Error(`ended early: ${JSON.stringify(job.error)}`);
    return job.disks[0]?.phase === 'copying' && job;
  }, `job ${id} is copying`);

/** What a job runs: its client, and the movers that name a file of its folders. */
const processesOfJob = (stateDir: string, id: string): { pid: number; argv: string[] }[] => {
  const client = processesOf(join(stateDir, 'jobs', id));
  const sockets = client
    .map(({ argv }) => argv[argv.indexOf('--socket-dir') + 1])
    .find((path) => path?.startsWith('/'));
  return sockets === undefined
    ? client
    : [...new Map([...client, ...processesOf(sockets)].map((found) => [found.pid, found])).values()];
};

const gone = (pids: readonly number[]): Promise<true> =>
  until(() => pids.every((pid) => identityOf(pid) === null) && true, `processes ${pids.join(' ')} gone`);

test('a full backup and then an incremental by digest give what the disk was', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 9.5 * MiB, [
    [0, MiB],
    [5 * MiB, 3 * MiB],
  ]);
  const source = imageSpec(disk);
  await using full = await target(at, 'full', 9.5 * MiB);
  expect(await node.api.startBackup(fullRequest('job-1', source, [full.uri]))).toEqual({
    job_id: 'job-1',
    status: 'starting',
  });
  const job = await finished(node.api, 'job-1');
  expect(job).toMatchObject({ status: 'succeeded', error: null });
  const { change_id: changeId, index_sha256: index } = job.disks[0]!;
  await node.api.getIndex('job-1', '0', at.path('full.index'));
  expect(
    (await node.api.log('job-1'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { message: string }).message),
  ).toContain('job done');
  await node.api.remove('job-1');
  await full.server.stop();
  assertSame(disk, 'raw', full.file);

  await writeAt(disk, [MiB, Buffer.alloc(5, 1)], [6 * MiB, Buffer.alloc(MiB)]);
  await using next = await target(at, 'next', 9.5 * MiB, full.file);
  const request = incrementalRequest('job-2', source, next.uri, { method: 'digest', changeId, index });
  await expect(node.api.startBackup(request)).rejects.toMatchObject({
    code: 'request.invalid',
    message: expect.stringContaining(index!),
  });
  await node.api.putIndex(index!, at.path('full.index'));
  await node.api.startBackup(request);
  expect(await finished(node.api, 'job-2')).toMatchObject({
    status: 'succeeded',
    disks: [{ bytes_transferred: MiB + 65_536, phase: 'done' }],
  });
  await node.api.remove('job-2');
  await next.server.stop();
  assertSame(disk, 'raw', next.file);
  expect(await readdir(join(node.stateDir, 'jobs'))).toEqual([]);
});

test('of a job that has ended nothing stays outside of the state folder, though nobody removes it', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 4 * MiB, [[MiB, MiB]]);
  await using full = await target(at, 'full', 4 * MiB);
  const { sockets } = jobFolderIn(node.stateDir, 'job');
  await node.api.startBackup(fullRequest('job', imageSpec(disk), [full.uri]));
  expect(existsSync(sockets)).toBe(true);
  expect(await finished(node.api, 'job')).toMatchObject({ status: 'succeeded' });
  await until(() => !existsSync(sockets), 'its folder for sockets is removed');
  expect(await node.api.status('job')).toMatchObject({ status: 'succeeded' });
});

test('two jobs run at once', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const names = ['a', 'b'];
  const disks = await Promise.all(names.map((name) => makeRaw(at.path(`${name}.raw`), 4 * MiB, [[MiB, MiB]])));
  await using first = await target(at, 'a', 4 * MiB);
  await using second = await target(at, 'b', 4 * MiB);
  const targets = [first, second];
  await Promise.all(
    names.map((name, n) => node.api.startBackup(fullRequest(name, imageSpec(disks[n]!), [targets[n]!.uri]))),
  );
  for (const name of names) expect(await finished(node.api, name)).toMatchObject({ status: 'succeeded' });
  for (const name of names) await node.api.remove(name);
  for (const [n, each] of targets.entries()) {
    await each.server.stop();
    assertSame(disks[n]!, 'raw', each.file);
  }
});

test('progress is reported while data moves; cancel stops all and says so', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 32 * MiB);
  await node.api.startBackup({
    ...fullRequest('job', imageSpec(disk), [slow.uri]),
    tuning: { connections: 1, requests: 1 },
  });
  await copying(node.api, 'job');
  expect(await node.api.health()).toMatchObject({ jobs_running: 1 });
  const moving = await until(async () => {
    const job = await node.api.status('job');
    return (job.disks[0]?.rate ?? 0) > 0 && job;
  }, 'a rate');
  expect(validatorOf('domain.json#/$defs/jobStatus')(moving)).toBe(true);
  expect(moving.disks[0]).toMatchObject({ phase: 'copying', bytes_total: 32 * MiB, capacity_bytes: 32 * MiB });
  const running = processesOfJob(node.stateDir, 'job');
  expect(running.length).toBeGreaterThanOrEqual(3);
  await node.api.cancel('job');
  const job = await finished(node.api, 'job');
  expect(job).toMatchObject({ status: 'cancelled', error: { code: 'job.cancelled' }, disks: [{ phase: 'cancelled' }] });
  await gone(running.map(({ pid }) => pid));
  await node.api.cancel('job');
  await node.api.remove('job');
});

test('a job can be cancelled the moment it was started, and removed while it runs', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 32 * MiB);
  await node.api.startBackup(fullRequest('early', imageSpec(disk), [slow.uri]));
  await node.api.cancel('early');
  expect(await finished(node.api, 'early')).toMatchObject({ status: 'cancelled', error: { code: 'job.cancelled' } });
  await node.api.startBackup(fullRequest('busy', imageSpec(disk), [slow.uri]));
  await copying(node.api, 'busy');
  const running = processesOfJob(node.stateDir, 'busy');
  await node.api.remove('busy');
  await gone(running.map(({ pid }) => pid));
  await expect(node.api.status('busy')).rejects.toMatchObject({ code: 'job.unknown' });
  await node.api.remove('early');
});

test('the same request twice is one job; another with its id is refused', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 32 * MiB);
  const request = fullRequest('job', imageSpec(disk), [slow.uri]);
  await Promise.all([node.api.startBackup(request), node.api.startBackup(request)]);
  await copying(node.api, 'job');
  expect(await node.api.startBackup(request)).toMatchObject({ job_id: 'job', status: 'running' });
  await expect(node.api.startBackup({ ...request, vm_name: 'other' })).rejects.toMatchObject({ code: 'node.busy' });
  await node.api.cancel('job');
  await finished(node.api, 'job');
  await expect(node.api.startBackup(request)).rejects.toMatchObject({
    code: 'node.busy',
    message: expect.stringContaining('cancelled'),
  });
  await node.api.remove('job');
});

test('a client that is killed is reported as lost, and all that it started is stopped', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 32 * MiB);
  await node.api.startBackup(fullRequest('job', imageSpec(disk), [slow.uri]));
  await copying(node.api, 'job');
  const running = processesOfJob(node.stateDir, 'job');
  expect(running.map(({ argv }) => argv[0]!.split('/').at(-1))).toEqual(
    expect.arrayContaining(['node', 'qemu-nbd', 'nbdcopy']),
  );
  process.kill(running.find(({ argv }) => argv.some((arg) => arg.includes('sendense-backup-client')))!.pid, 'SIGKILL');
  expect(await finished(node.api, 'job')).toMatchObject({
    status: 'failed',
    error: { code: 'job.lost' },
    disks: [{ phase: 'failed' }],
  });
  await gone(running.map(({ pid }) => pid));
  await node.api.remove('job');
});

test('a client ignores a hang-up, and outlives its node; the next node knows the job', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 8 * MiB, [[0, 8 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 8 * MiB);
  const stateDir = at.path('state');
  await using first = await testNode(at, stateDir);
  await first.api.startBackup(fullRequest('job', imageSpec(disk), [slow.uri]));
  await copying(first.api, 'job');
  const client = processesOfJob(stateDir, 'job').find(({ argv }) =>
    argv.some((arg) => arg.includes('sendense-backup-client')),
  )!;
  process.kill(client.pid, 'SIGHUP');
  await first.running.close();
  await using second = await testNode(at, stateDir);
  expect(await second.api.status('job')).toMatchObject({ status: 'running' });
  expect(await finished(second.api, 'job')).toMatchObject({ status: 'succeeded' });
  await second.api.remove('job');
});

test('a node that was killed leaves its job alone; without a node too all of it ends with its client, and the next one says so', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 32 * MiB);
  const stateDir = at.path('state');
  await writeFile(at.path('token'), token);
  const args = ['serve', '--socket', at.path('other.sock'), '--state-dir', stateDir, '--token-file', at.path('token')];
  const first = spawn(process.execPath, [programs.node, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(first.stderr, 'data');
  const api = nodeClient({ url: `unix:${at.path('other.sock')}`, token });
  await api.startBackup(fullRequest('job', imageSpec(disk), [slow.uri]));
  await copying(api, 'job');
  first.kill('SIGKILL');
  await once(first, 'exit');
  const running = processesOfJob(stateDir, 'job');
  const client = running.find(({ argv }) => argv.some((arg) => arg.includes('sendense-backup-client')))!;
  await using second = await testNode(at, stateDir);
  expect(await second.api.status('job')).toMatchObject({ status: 'running' });
  await second.running.close();
  process.kill(client.pid, 'SIGKILL');
  // No node is there that would stop them.
  await gone(running.map(({ pid }) => pid));
  expect(processesOfJob(stateDir, 'job')).toEqual([]);
  await using third = await testNode(at, stateDir);
  expect(await third.api.status('job')).toMatchObject({ status: 'failed', error: { code: 'job.lost' } });
  await third.api.remove('job');
});

test('a password reaches neither argv, environment, log nor disk', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const password = 'canary-password-2';
  const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
  await using slow = await slowTarget(at, 'slow', 32 * MiB);
  await node.api.startBackup({
    ...fullRequest('job', imageSpec(disk), [slow.uri]),
    vcenter_host: 'vc',
    vcenter_user: 'u',
    vcenter_password: password,
  });
  await copying(node.api, 'job');
  const running = processesOfJob(node.stateDir, 'job');
  for (const { pid, argv } of running) {
    expect(argv.join(' ')).not.toContain(password);
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(password);
  }
  await node.api.cancel('job');
  const job = await finished(node.api, 'job');
  expect(JSON.stringify(job)).not.toContain(password);
  for (const entry of readdirSync(node.stateDir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      expect(readFileSync(join(entry.parentPath, entry.name)).includes(password), entry.name).toBe(false);
  }
  await node.api.remove('job');
});

test('a job whose client cannot work fails with its reason', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  await node.api.startBackup(fullRequest('job', imageSpec(at.path('none.raw')), ['nbd://127.0.0.1:1/x']));
  expect(await finished(node.api, 'job')).toMatchObject({
    status: 'failed',
    error: { code: 'source.missing', message: expect.stringContaining('none.raw') },
  });
  await expect(node.api.getIndex('job', '0', at.path('x'))).rejects.toMatchObject({ code: 'job.unknown' });
  await node.api.remove('job');
});

test('what a crash left of a job in its first moment is removed at once, with a client that had only just begun', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const folderOf = (id: string): string => join(node.stateDir, 'jobs', id);
  await mkdir(folderOf('half'));
  await node.api.remove('half');
  expect(await readdir(join(node.stateDir, 'jobs'))).toEqual([]);

  // A client that is still waiting for its document has written nothing yet.
  await mkdir(folderOf('begun'));
  const start = (id: string) =>
    spawn(process.execPath, [programs.client, '--checked', '--job', '-', '--job-dir', folderOf(id)], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
  const begun = start('begun');
  const ended = once(begun, 'exit');
  await node.api.remove('begun');
  await ended;
  expect(await readdir(join(node.stateDir, 'jobs'))).toEqual([]);

  const late = start('late');
  const said = text(late.stderr);
  late.stdin.end(JSON.stringify(fullRequest('late', imageSpec(at.path('no.raw')), ['nbd://127.0.0.1:9/x'])));
  expect((await once(late, 'exit'))[0]).not.toBe(0);
  expect(await said).toContain('late');
  expect(await readdir(join(node.stateDir, 'jobs'))).toEqual([]);
});

test('no more jobs run at once than the limit, and one that ended makes room', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  // They live as long as this process.
  const client = JSON.stringify(thisProcess());
  const status = (id: string, word: string) => ({ job_id: id, vm_name: 'vm', status: word, disks: [], finished: null });
  for (let job = 0; job < maxRunning; job++) {
    const folder = join(node.stateDir, 'jobs', `held-${job}`);
    await mkdir(folder);
    await writeFile(join(folder, 'client.json'), client);
    await writeFile(join(folder, 'status.json'), JSON.stringify(status(`held-${job}`, 'running')));
  }
  const disk = await makeRaw(at.path('disk.raw'), MiB, []);
  await using full = await target(at, 'full', MiB);
  const start = (): Promise<unknown> => node.api.startBackup(fullRequest('one-more', imageSpec(disk), [full.uri]));
  await expect(start()).rejects.toMatchObject({
    code: 'node.busy',
    message: expect.stringContaining('100 jobs') as string,
  });
  const ended = { ...status('held-0', 'succeeded'), finished: Date.now() };
  await writeFile(join(node.stateDir, 'jobs', 'held-0', 'status.json'), JSON.stringify(ended));
  await start();
  expect((await finished(node.api, 'one-more')).status).toBe('succeeded');
  await node.api.remove('one-more');
});

test('what a crash left of a job that was never started does not stop the node', async () => {
  await using at = await workshop();
  const half = join(at.path('state'), 'jobs', 'half');
  await mkdir(half, { recursive: true });
  const old = new Date(Date.now() - 60_000);
  await utimes(half, old, old);
  await using node = await testNode(at);
  expect(await readdir(join(node.stateDir, 'jobs'))).toEqual([]);
});
