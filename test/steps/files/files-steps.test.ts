import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { FilesClient, ReachedFiles } from '../../../src/files/client/files-client.ts';
import type { FilesOpenOutput, FilesTakeOutput, PointsFilesOutput } from '../../../src/schemas/types.ts';
import { filesOpen } from '../../../src/steps/files/files-open.ts';
import { filesTake } from '../../../src/steps/files/files-take.ts';
import { pointsFiles } from '../../../src/steps/points/points-files.ts';
import { verificationsOf } from '../../../src/state/points/point-marks.ts';
import { points as allPoints } from '../../../src/state/points/restore-points.ts';
import { makeRaw, MiB } from '../../host/disk-images.ts';
import { backup } from '../backup-run.ts';
import { stepBench } from '../step-bench.ts';

const repository = 'primary';
const id = '20261123T112113Z-ee3ac5';
const opening = { repository, vm: { name: 'pgtest1' }, backup_id: id };

/** What a process would serve that has no restore point to read. */
const reached = (client: Partial<FilesClient>): ReachedFiles => ({
  client: client as FilesClient,
  socket: '/nowhere',
  [Symbol.asyncDispose]: async () => undefined,
});

describe('files.open', () => {
  test('on a machine that cannot read files the run says so', async () => {
    await using bench = await stepBench();
    const openFiles = () => Promise.reject(new SendenseError('files.unavailable', 'bwrap is missing'));
    await expect(bench.run(filesOpen, opening, { services: { openFiles } })).rejects.toMatchObject({
      code: 'files.unavailable',
    });
  });

  test('an empty passphrase is told before anything is started', async () => {
    await using bench = await stepBench();
    await writeFile(bench.folder.file('plans', 'words'), '', { mode: 0o600 });
    const openFiles = () => Promise.reject(new Error('was started'));
    const input = { ...opening, passphrase: { secret: { file: 'words' } } };
    await expect(bench.run(filesOpen, input, { services: { openFiles } })).rejects.toMatchObject({
      code: 'secret.unreadable',
    });
  });
});

describe('files.take', () => {
  const opened: FilesOpenOutput = { backup_id: id, socket: '/nowhere', session: 'x', volumes: [] };
  const input = (directory: string): object => ({ repository, opened, files: ['/etc'], to: { directory } });

  test('a dry-run names the places and opens nothing', async () => {
    await using bench = await stepBench();
    const before = await bench.snapshot();
    const preview = await bench.plan(filesTake, { ...input('./out'), exclude: ['*.swp'] });
    const target = bench.folder.file('plans', 'out');
    expect(preview).toMatchObject({
      effects: [{ action: 'create', target, detail: 'from /etc' }],
      notes: ['left out: *.swp'],
    });
    expect((preview.output as FilesTakeOutput).part).toMatch(/^\.sendense-files-[0-9a-f]{16}$/);
    expect(await bench.snapshot()).toEqual(before);
  });

  test('never writes into the repository', async () => {
    await using bench = await stepBench();
    await expect(bench.plan(filesTake, input('../repository/out'))).rejects.toMatchObject({ code: 'target.unfit' });
    await expect(bench.run(filesTake, input('../repository/out'))).rejects.toMatchObject({ code: 'target.unfit' });
  });

  test('what cannot be found leaves no folder', async () => {
    await using bench = await stepBench();
    await expect(bench.run(filesTake, input('./out'))).rejects.toMatchObject({ code: 'files.volume' });
    expect(await readdir(bench.folder.file('plans'))).toEqual([]);
  });
});

describe('points.files', () => {
  const point = (vm: string, more: object = {}): object => ({
    vm,
    backup_id: id,
    level: 'quick',
    ok: true,
    broken: false,
    rests_on: null,
    problems: [],
    remarks: [],
    dependents: [],
    bytes_read: 0,
    ...more,
  });

  test('does nothing where nobody asked for it', async () => {
    await using bench = await stepBench();
    await using ran = await bench.run<PointsFilesOutput>(pointsFiles, {
      repository,
      files: null,
      points: [point('a')],
    });
    expect(ran.output).toEqual({ opened: [], problems: [] });
  });

  test('a reader that fails is a problem of its restore point, and only sound ones that were asked for are opened', async () => {
    await using bench = await stepBench();
    const asked: string[] = [];
    const open: FilesClient['open'] = async ({ vm }) => {
      asked.push(vm);
      throw new SendenseError('files.reader', 'the reader was killed by SIGSEGV');
    };
    await makeRaw(bench.folder.file('a.raw'), MiB, [0, 4096]);
    await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
    const [made] = allPoints(bench.state);
    const points = [
      point('pgtest1', { backup_id: made?.backup_id }),
      point('b', { ok: false }),
      point('c', { reread: true }),
      point('gone'),
    ];
    await using ran = await bench.run<PointsFilesOutput>(
      pointsFiles,
      { repository, files: { expect: [{ vms: ['z*'], file: '/etc/hostname' }] }, points },
      { services: { openFiles: async () => reached({ open }) } },
    );
    expect(asked).toEqual(['pgtest1']);
    expect(ran.output.problems).toEqual([`files of pgtest1 ${made?.backup_id}: the reader was killed by SIGSEGV`]);
    expect(ran.logs).toContain(`gone ${id} was removed meanwhile`);
    expect(verificationsOf(bench.state, {}).get(`pgtest1/${made?.backup_id}`)).toMatchObject([
      { level: 'files', ok: false, detail: 'the reader was killed by SIGSEGV' },
    ]);
    expect(ran.warnings).toEqual(['no verified VM is called z*']);
  });

  test('an empty passphrase is told before anything is started', async () => {
    await using bench = await stepBench();
    await writeFile(bench.folder.file('plans', 'words'), '', { mode: 0o600 });
    const openFiles = () => Promise.reject(new Error('was started'));
    const files = { passphrase: { secret: { file: 'words' } } };
    await expect(
      bench.run(pointsFiles, { repository, files, points: [point('a')] }, { services: { openFiles } }),
    ).rejects.toMatchObject({ code: 'secret.unreadable' });
  });

  test('a machine that cannot read files fails the step: that says nothing of a restore point', async () => {
    await using bench = await stepBench();
    const open: FilesClient['open'] = () => Promise.reject(new SendenseError('files.unavailable', 'bwrap is missing'));
    const services = { openFiles: async () => reached({ open }) };
    await makeRaw(bench.folder.file('a.raw'), MiB, [0, 4096]);
    await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
    const [made] = allPoints(bench.state);
    const input = { repository, files: {}, points: [point('pgtest1', { backup_id: made?.backup_id })] };
    await expect(bench.run(pointsFiles, input, { services })).rejects.toMatchObject({ code: 'files.unavailable' });
  });
});
