import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BackupStartRequest, JobStatus } from '../../../src/schemas/types.ts';
import {
  fullRequest,
  imageSpec,
  makeRaw,
  MiB,
  readJson,
  target,
  testNode,
  until,
  workshop,
  type Workshop,
} from '../support.ts';

/** A job that takes for ever, of a hub that asks for it at least every so many seconds. */
async function endless(at: Workshop, uri: string, seconds: number | null): Promise<BackupStartRequest> {
  const disk = await makeRaw(at.path('disk.raw'), 64 * MiB, [[0, 64 * MiB]]);
  return {
    ...fullRequest('job-1', imageSpec(disk), [uri]),
    tuning: { connections: 4, requests: 64, disk_rate: 65_536 },
    lease_seconds: seconds,
  };
}

const folder = (stateDir: string, ...names: string[]): string => join(stateDir, 'jobs', 'job-1', ...names);
const uptimeMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
const askedAgo = (stateDir: string, ms: number): Promise<void> =>
  writeFile(folder(stateDir, 'asked'), String(uptimeMs() - ms));
/** Without asking the node. */
const statusIn = (stateDir: string): Promise<JobStatus> => readJson<JobStatus>(folder(stateDir, 'status.json'));
const given = (stateDir: string): Promise<JobStatus> =>
  until(async () => {
    const status = await statusIn(stateDir);
    return status.finished !== null && status;
  }, 'the job is given up');

const copying = (stateDir: string): Promise<unknown> =>
  until(async () => (await statusIn(stateDir)).disks[0]?.phase === 'copying', 'it copies');

test('a job that nobody asks for is cancelled by the node, which says why', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  await using to = await target(at, 'full', 64 * MiB);
  await node.api.startBackup(await endless(at, to.uri, 30));
  await copying(node.stateDir);
  // A question starts the time anew; the list of all jobs is no question.
  await askedAgo(node.stateDir, 29_000);
  expect(await node.api.status('job-1')).toMatchObject({ status: 'running' });
  expect(uptimeMs() - Number(await readFile(folder(node.stateDir, 'asked'), 'utf8'))).toBeLessThan(29_000);
  await askedAgo(node.stateDir, 31_000);
  expect(await given(node.stateDir)).toMatchObject({
    status: 'cancelled',
    error: { code: 'job.abandoned', message: 'nobody asked for the transfer for 30 s, so it was cancelled' },
    disks: [{ phase: 'cancelled' }],
  });
  // What the hub finds when it comes back.
  expect(await node.api.status('job-1')).toMatchObject({ status: 'cancelled', error: { code: 'job.abandoned' } });
  expect(await node.api.remove('job-1')).toBe(true);
  expect(existsSync(folder(node.stateDir))).toBe(false);
});

test('a node that is started again knows when a job was asked for; without a timer nothing ends', async () => {
  await using at = await workshop();
  await using to = await target(at, 'full', 64 * MiB);
  {
    await using first = await testNode(at);
    await first.api.startBackup(await endless(at, to.uri, 30));
    await copying(first.stateDir);
    await first.running.close();
    await askedAgo(first.stateDir, 31_000);
  }
  await using node = await testNode(at);
  expect(await given(node.stateDir)).toMatchObject({ error: { code: 'job.abandoned' } });
  await node.api.remove('job-1');

  await node.api.startBackup(await endless(at, to.uri, null));
  await copying(node.stateDir);
  await askedAgo(node.stateDir, 3_600_000);
  const { updated } = await statusIn(node.stateDir);
  await until(async () => (await statusIn(node.stateDir)).updated > updated + 2500, 'the node has looked since');
  expect(await statusIn(node.stateDir)).toMatchObject({ status: 'running' });
  await node.api.remove('job-1');
});

test('a client that dies of it without a word is told of as given up, too', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  await using to = await target(at, 'full', 64 * MiB);
  await node.api.startBackup(await endless(at, to.uri, 30));
  await copying(node.stateDir);
  const client = await readJson<{ pid: number }>(folder(node.stateDir, 'client.json'));
  await writeFile(folder(node.stateDir, 'abandoned'), 'nobody asked for the transfer for 30 s, so it was cancelled');
  process.kill(client.pid, 'SIGKILL');
  expect(
    await until(async () => {
      const job = await node.api.status('job-1');
      return job.finished !== null && job;
    }, 'it is over'),
  ).toMatchObject({ status: 'cancelled', error: { code: 'job.abandoned' } });
  await node.api.remove('job-1');
});

test('a job that cannot be looked after does not keep the node from others; one that cannot be noted down ends, too', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  await using to = await target(at, 'full', 64 * MiB);
  await node.api.startBackup(await endless(at, to.uri, 30));
  await copying(node.stateDir);
  const damaged = join(node.stateDir, 'jobs', 'a-first-one');
  await mkdir(damaged);
  // It is there and cannot be read, which is not the same as missing.
  await symlink('job.json', join(damaged, 'job.json'));
  await utimes(damaged, 1, 1);
  for (const name of ['abandoned', 'cancelled']) await symlink('/nowhere/at/all', folder(node.stateDir, name));
  await askedAgo(node.stateDir, 31_000);
  expect(await given(node.stateDir)).toMatchObject({ status: 'cancelled' });
  expect(existsSync(damaged)).toBe(true);
  await node.api.remove('job-1');
});

test('a job is given up also where its client could not be told at first', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  await using to = await target(at, 'full', 64 * MiB);
  await node.api.startBackup(await endless(at, to.uri, 30));
  await copying(node.stateDir);
  // Noted down, and then the node was killed, or there was no client yet.
  await writeFile(folder(node.stateDir, 'abandoned'), 'nobody asked for the transfer for 30 s, so it was cancelled');
  expect(await given(node.stateDir)).toMatchObject({ status: 'cancelled', error: { code: 'job.abandoned' } });
  await node.api.remove('job-1');
});
