import { appendFile, mkdir, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test, vi } from 'vitest';
import { collectGarbage } from '../../../src/hub/repositories/collect-garbage.ts';
import { copyPoints } from '../../../src/hub/repositories/copy-points.ts';
import { immutableFiles } from '../../../src/host/files/file-flags.ts';
import { lift, set, whyNotImmutable } from '../../../src/repository/stored-files/immutable.ts';
import { filesOfPoint } from '../../../src/repository/stored-files/settle-immutable.ts';
import type { Settings } from '../../../src/schemas/types.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { hubPreflight } from '../../../src/steps/at-hub/hub-preflight.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../../steps/backup-run.ts';
import { stepBench, type StepBench } from '../../steps/step-bench.ts';
import { canMount, loopMount } from '../../support/loop-mount.ts';

// Whole backups on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

type Immutable = Settings['repositories'][string]['immutable'];

/** A bench whose repositories are on an ext4 of their own. */
async function onExt4(
  more: Settings['repositories'][string] | object,
): Promise<{ bench: StepBench } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const primary = { path: './disk/repository', minFree: 0, ...more };
  const second = { path: './disk/second', minFree: 0, immutable: true as const };
  const bench = stack.use(await stepBench({ repositories: { primary, second } }));
  stack.use(await loopMount(bench.folder.file('disk.img'), bench.folder.file('disk'), 96));
  const kept = stack.move();
  return { bench, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Which committed files of a repository are immutable and which are not, relative to it. */
async function flags(bench: StepBench, repository = 'primary'): Promise<{ locked: string[]; free: string[] }> {
  const root = bench.services.repositoryPath(repository);
  const files = points(bench.state, { repository }).flatMap(filesOfPoint);
  const locked = await immutableFiles(files.map((file) => join(root, file)));
  return {
    locked: files.filter((file) => locked.has(join(root, file))),
    free: files.filter((file) => !locked.has(join(root, file))),
  };
}

const firstBackup = async (bench: StepBench): Promise<void> => {
  await makeRaw(bench.folder.file('a.raw'), 4 * MiB, [0, MiB]);
  await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
};

describe.skipIf(!canMount)('committed files are immutable', () => {
  test('after the backup, each of them; root cannot change them, and the next incremental builds on them', async () => {
    await using it = await onExt4({ immutable: true });
    const { bench } = it;
    await firstBackup(bench);
    const { locked, free } = await flags(bench);
    expect(locked).toHaveLength(3);
    expect(free).toEqual([]);
    const file = join(bench.services.repositoryPath('primary'), locked[0] ?? '');
    await expect(appendFile(file, 'x')).rejects.toMatchObject({ code: 'EPERM' });
    await expect(unlink(file)).rejects.toMatchObject({ code: 'EPERM' });
    await writeInto(bench.folder.file('a.raw'), [2 * MiB, 4096]);
    const second = await backup(bench, { run: 'run-000002', disks: ['a.raw'] });
    expect(second.disks[0]?.mode).toBe('incremental');
    expect((await flags(bench)).locked).toHaveLength(6);
  });

  test('what a kill between lifting and setting left without the flag gets it back at the next backup', async () => {
    await using it = await onExt4({ immutable: 'require' });
    const { bench } = it;
    await firstBackup(bench);
    const root = bench.services.repositoryPath('primary');
    const lifted = await lift((await flags(bench)).locked.map((file) => join(root, file)));
    expect(lifted).toHaveLength(3);
    expect((await flags(bench)).locked).toEqual([]);
    await backup(bench, { run: 'run-000002', disks: ['a.raw'] });
    expect((await flags(bench)).free).toEqual([]);
  });

  test('up to an age: then the next backup sets them free', async () => {
    await using it = await onExt4({ immutable: true, immutableFor: '1h' });
    const { bench } = it;
    await firstBackup(bench);
    expect((await flags(bench)).free).toEqual([]);
    bench.state.run(bench.state.query.updateTable('backups').set({ created: Date.now() - 3_700_000 }));
    await backup(bench, { run: 'run-000002', disks: ['a.raw'] });
    const { locked, free } = await flags(bench);
    expect([locked.length, free.length]).toEqual([3, 3]);
  });

  test('a copy has it where its repository asks for it, and a move lifts it where it was', async () => {
    await using it = await onExt4({ immutable: true });
    const { bench } = it;
    await firstBackup(bench);
    const request = { target: { vm: 'pgtest1' }, from: 'primary', to: 'second' } as const;
    expect((await copyPoints(bench.services, { ...request, move: false })).warnings).toEqual([]);
    expect((await flags(bench, 'second')).locked).toHaveLength(3);
    // Everything is there: it is proven, and nothing of it can be or needs to be touched.
    expect(await copyPoints(bench.services, { ...request, move: true })).toMatchObject({ points: [{ removed: true }] });
    expect((await flags(bench, 'second')).locked).toHaveLength(3);
    expect(points(bench.state, { repository: 'primary' })).toEqual([]);
  });

  test('gc puts immutable orphans aside', async () => {
    await using it = await onExt4({ immutable: true });
    const { bench } = it;
    await firstBackup(bench);
    const root = bench.services.repositoryPath('primary');
    const orphan = 'other/disk-0/20261101T013000Z-abcdef.qcow2';
    await mkdir(join(root, 'other/disk-0'), { recursive: true });
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', join(root, orphan), '1M']);
    await set([join(root, orphan)]);
    const now = Date.now() + 7_200_000;
    const output = await collectGarbage(bench.services, { repository: 'primary', dryRun: false, purge: true, now });
    expect(output.repositories[0]).toMatchObject({ removed: [{ path: orphan }], kept: [], skipped: [] });
  });
});

describe.skipIf(!canMount)('where the file system knows no such flag', () => {
  test('that is told', async () => {
    await using bench = await stepBench();
    const folder = bench.folder.file('proc');
    await mkdir(folder);
    await execa('mount', ['-t', 'proc', 'proc', folder]);
    try {
      expect(await whyNotImmutable(folder)).not.toBe(null);
    } finally {
      await execa('umount', [folder]);
    }
  });
});

describe.skipIf(!canMount)('a program that may not', () => {
  /** chattr that refuses, in front of the real one: as for a user who is not root. */
  async function refusing(immutable: Immutable): Promise<{ bench: StepBench } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(
      await stepBench({
        repositories: {
          primary: { path: './repository', minFree: 0, ...(immutable === undefined ? {} : { immutable }) },
        },
      }),
    );
    await mkdir(bench.folder.file('bin'));
    await writeFile(
      bench.folder.file('bin/chattr'),
      '#!/bin/sh\necho "chattr: Operation not permitted while setting flags on $3" >&2\nexit 1\n',
      { mode: 0o755 },
    );
    const before = process.env['PATH'];
    process.env['PATH'] = `${bench.folder.file('bin')}:${before}`;
    stack.defer(() => void (process.env['PATH'] = before));
    const kept = stack.move();
    return { bench, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  }

  test('require refuses the backup before it begins, and leaves nothing of the probe', async () => {
    await using it = await refusing(true);
    await expect(
      it.bench.run(hubPreflight, { for: 'backup', repository: 'primary', node: null, directory: null }),
    ).rejects.toMatchObject({
      code: 'repository.immutable',
      message: expect.stringMatching(/cannot be made immutable.*Operation not permitted/) as string,
    });
    expect((await execa('ls', ['-A', it.bench.folder.file('repository')])).stdout).toBe('sendense-repository.json');
  });

  test('try warns, and the backup is made', async () => {
    await using it = await refusing('try');
    await using ran = await it.bench.run<object>(hubPreflight, {
      for: 'backup',
      repository: 'primary',
      node: null,
      directory: null,
    });
    expect(ran.warnings).toEqual([expect.stringMatching(/cannot be made immutable/)]);
    await firstBackup(it.bench);
    expect(points(it.bench.state)).toHaveLength(1);
  });
});

test('lifting and setting files that are not there, or never were immutable, is fine', async () => {
  await using bench = await stepBench();
  const file = bench.folder.file('some');
  await writeFile(file, '');
  expect(await lift([file, `${file}.gone`])).toEqual([]);
  await set([`${file}.gone`]);
  await rm(file);
});
