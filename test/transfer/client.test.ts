import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { runFolderOf } from '../../src/host/programs/run-folder.ts';
import type { JobStatus } from '../../src/schemas/types.ts';
import {
  assertSame,
  fullRequest,
  imageSpec,
  makeRaw,
  MiB,
  processesOf,
  readJson,
  slowTarget,
  target,
  until,
  workshop,
} from '../node/support.ts';
import { programs } from '../programs.ts';

const program = programs.client;

async function client(
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'pipe' });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

test('by hand, with flags alone', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, MiB]]);
  await using full = await target(at, 'full', MiB);
  const args = [
    '--job-id',
    'j',
    '--vm-name',
    'vm',
    '--backup-type',
    'full',
    '--nbd-targets',
    `0:${full.uri}`,
    '--disk',
    disk,
    '--job-dir',
    at.path('job'),
  ];
  expect(await client(args)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await readJson<JobStatus>(at.path('job/status.json'))).toMatchObject({ status: 'succeeded', vm_name: 'vm' });
  await full.server.stop();
  assertSame(disk, 'raw', full.file);
});

test('the document comes from a file or from standard input; flags go before it', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, 4096]]);
  await using full = await target(at, 'full', MiB);
  const document = JSON.stringify(fullRequest('j', imageSpec(disk), [full.uri]));
  await writeFile(at.path('job.json'), document);
  expect(await client(['--job', at.path('job.json'), '--job-dir', at.path('a')])).toMatchObject({ code: 0 });
  expect(await client(['--job', '-', '--job-dir', at.path('b'), '--vm-name', 'other'], document)).toMatchObject({
    code: 0,
  });
  expect(await readJson<JobStatus>(at.path('b/status.json'))).toMatchObject({ vm_name: 'other' });
});

test('wrong usage and wrong documents end with their exit codes, and quote no password', async () => {
  await using at = await workshop();
  expect(await client(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--nbd-targets') });
  expect(await client(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  expect(await client([])).toMatchObject({ code: 2, stderr: expect.stringContaining('--job-dir') });
  expect(await client(['--vcenter-password', 'x', '--job-dir', at.path('a')])).toMatchObject({ code: 2 });
  const broken = await client(['--job', '-', '--job-dir', at.path('a')], '{"vcenter_password":"canary-password-3"');
  expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('not a JSON object') });
  expect(broken.stderr).not.toContain('canary');
  const wrong = await client(
    ['--job', '-', '--job-dir', at.path('a')],
    '{"vcenter_password":"canary-password-3","job_id":""}',
  );
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/is invalid: .*(vm_name|job_id)/) });
  expect(wrong.stderr).not.toContain('canary');
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)(
  '%s cancels: status cancelled, exit code %i, nothing left',
  async (signal, code) => {
    await using at = await workshop();
    const disk = await makeRaw(at.path('disk.raw'), 32 * MiB, [[0, 32 * MiB]]);
    await using slow = await slowTarget(at, 'slow', 32 * MiB);
    await writeFile(at.path('job.json'), JSON.stringify(fullRequest('j', imageSpec(disk), [slow.uri])));
    const child = spawn(process.execPath, [program, '--job', at.path('job.json'), '--job-dir', at.path('job')], {
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    const status = (): Promise<JobStatus | null> => readJson<JobStatus>(at.path('job/status.json')).catch(() => null);
    await until(async () => (await status())?.disks[0]?.phase === 'copying', 'copying');
    child.kill(signal);
    expect(await ended).toEqual([code, null]);
    expect(await status()).toMatchObject({ status: 'cancelled', disks: [{ phase: 'cancelled' }] });
    expect(processesOf(at.path('job'))).toEqual([]);
    expect(processesOf(runFolderOf('client-'))).toEqual([]);
  },
  300_000,
);

test('lost pipes do not end a transfer', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 4 * MiB, [[0, 4 * MiB]]);
  await using full = await target(at, 'full', 4 * MiB);
  await writeFile(at.path('job.json'), JSON.stringify(fullRequest('j', imageSpec(disk), [full.uri])));
  await mkdir(at.path('job'));
  const child = spawn(process.execPath, [program, '--job', at.path('job.json'), '--job-dir', at.path('job')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.destroy();
  const ended = once(child, 'exit');
  await until(() => readFile(at.path('job/client.json')).catch(() => null), 'client.json');
  child.kill('SIGHUP');
  expect(await ended).toEqual([0, null]);
  await full.server.stop();
  assertSame(disk, 'raw', full.file);
});
