import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { isRunning, thisProcess } from '../../../src/host/programs/process-identity.ts';
import { imageKey, imageKeys, noKeys } from '../../../src/repository/image-keys.ts';
import { writeMarks, type Marks } from '../../../src/repository/marks.ts';
import { writeIntent } from '../../../src/repository/merge/intent.ts';
import type { MergeIntent } from '../../../src/schemas/types.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { acquireLock, releaseLock } from '../../../src/state/runs/locks.ts';
import { claimMerges, releaseMerges } from '../../../src/state/points/merges.ts';
import { usePoint } from '../../../src/state/points/point-uses.ts';
import { holdMarks } from '../../../src/restore-points/hold/hold-marks.ts';
import { claimed, finishMerges } from '../../../src/restore-points/merge/finish-merges.ts';
import { prepareUnit } from '../../../src/restore-points/merge/prepare-unit.ts';
import { removePoints, type RemovalResult } from '../../../src/restore-points/merge/remove-points.ts';
import { MiB } from '../../host/disk-images.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { addRuns } from '../../state/temporary-state.ts';
import { idOf, mergeRepository, numbersFrom, someWrites, vm, type MergeRepository } from './merge-repository.ts';
import { testProgram } from '../../programs.ts';
import { folderChanges } from '../../support/folder-changes.ts';
import { hurryKdf } from '../../support/hurried-kdf.ts';

hurryKdf();

const remove = (repository: MergeRepository, ...ids: string[]): Promise<RemovalResult> =>
  removePoints(repository.state, { ...vm, root: repository.root, remove: ids });

const finish = (repository: MergeRepository): Promise<string[]> =>
  finishMerges(repository.state, { name: 'primary', root: repository.root });

/** p1 <- … <- p4; each changes 8 MiB of 24, a part of it what the one before has changed. */
async function fill(repository: MergeRepository): Promise<MergeRepository> {
  for (let at = 1; at <= 4; at++)
    await repository.add(idOf(at), [
      {
        number: 0,
        parent: at === 1 ? null : idOf(at - 1),
        capacity: 24 * MiB,
        commands: [`write -P ${at} ${(at - 1) * 4}M 8M`],
      },
    ]);
  return repository;
}

const child = (repository: MergeRepository, ...ids: string[]) =>
  execa(process.execPath, [testProgram('restore-points/merge/merge-child'), repository.folder, ...ids], {
    reject: false,
  });

function phaseNow(repository: MergeRepository, name: string): MergeIntent['phase'] | null {
  try {
    return (JSON.parse(readFileSync(repository.file('vm', `${name}.merge`), 'utf8')) as MergeIntent).phase;
  } catch {
    return null;
  }
}

test('two processes at once: one removes, the other is refused, and all is well', { timeout: 300_000 }, async () => {
  await using repository = await fill(await mergeRepository());
  const results = await Promise.all(
    ['p02', 'p02', 'p03'].map(async (name) => {
      const { exitCode, stdout, stderr } = await child(repository, name);
      return { exitCode, stdout, stderr };
    }),
  );
  for (const { exitCode, stderr } of results) if (exitCode !== 0) expect(stderr).toContain('run.locked');
  expect(results.some(({ exitCode }) => exitCode === 0)).toBe(true);
  expect(await repository.wrong()).toEqual([]);
  expect(await repository.findings()).toEqual([]);
});

test('a run that begins while a removal is to be gone on with loses nothing to it', { timeout: 300_000 }, async () => {
  await using repository = await fill(await mergeRepository());
  const { state, root } = repository;
  const request = { state, vm, root, keys: noKeys, log: () => undefined, progress: () => undefined };
  const unit = { child: null, drop: ['p04'], disks: [] };
  await claimed(request, async (work) => writeIntent(work.hold, await prepareUnit(work, unit)));
  addRuns(state, 'backup-1');
  const keys = async (): Promise<typeof noKeys> => {
    acquireLock(state, 'primary/vm', 'backup-1', () => true);
    return noKeys;
  };
  const isAlive = thisProcess();
  state.run(
    state.query
      .updateTable('runs')
      .set({ owner_pid: isAlive.pid, owner_start_time: isAlive.start_time, owner_boot_id: isAlive.boot_id })
      .where('id', '=', 'backup-1'),
  );
  expect(await finishMerges(state, { name: 'primary', root }, { everywhere: true, keys })).toEqual([]);
  expect(phaseNow(repository, 'p04')).toBe('prepared');
  expect(repository.ids()).toEqual(['p01', 'p02', 'p03', 'p04']);
  expect(await repository.wrong()).toEqual([]);
  releaseLock(state, 'primary/vm', 'backup-1');
  expect(await finishMerges(state, { name: 'primary', root }, { everywhere: true })).toEqual(['vm/p04']);
  expect(repository.ids()).toEqual(['p01', 'p02', 'p03']);
});

test('what another hub protects after the removal was decided stays', { timeout: 300_000 }, async () => {
  await using repository = await fill(await mergeRepository());
  const { state, root } = repository;
  const request = { state, vm, root, keys: noKeys, log: () => undefined, progress: () => undefined };
  await claimed(request, async (work) =>
    writeIntent(work.hold, await prepareUnit(work, { child: null, drop: ['p04'], disks: [] })),
  );
  // In the repository alone: the database of this hub knows nothing of it.
  const protect = async (change: Pick<Marks, 'protected'>): Promise<void> => {
    await using hold = await holdMarks(state, { ...vm, root });
    writeMarks(hold, 'p04', change);
  };
  await protect({ protected: { since: 1, until: null, reason: 'for the audit', by: 'somebody' } });
  expect(await finishMerges(state, { name: 'primary', root }, { everywhere: true })).toEqual([]);
  expect(repository.ids()).toEqual(['p01', 'p02', 'p03', 'p04']);
  expect(await repository.wrong()).toEqual([]);
  await protect({ protected: null });
  expect(await finishMerges(state, { name: 'primary', root }, { everywhere: true })).toEqual(['vm/p04']);
  expect(repository.ids()).toEqual(['p01', 'p02', 'p03']);
});

test('a removal of a VM that somebody else works on is left to him', { timeout: 300_000 }, async () => {
  await using repository = await fill(await mergeRepository());
  expect(claimMerges(repository.state, vm, thisProcess(), isRunning)).toBeNull();
  await expect(remove(repository, 'p02')).rejects.toThrow('another process removes restore points of VM vm');
  expect(await finish(repository)).toEqual([]);
  releaseMerges(repository.state, vm, true);
  expect((await remove(repository, 'p02')).removed).toEqual(['p02']);
});

describe('who reads while a merge goes on', () => {
  test('sees the same all the time, with files open before and opened anew', { timeout: 300_000 }, async () => {
    await using repository = await fill(await mergeRepository());
    const image = repository.file('vm/disk-0/p04.qcow2');
    const running = child(repository, 'p01', 'p02', 'p03');
    const merging = { ended: false };
    void running.then(() => (merging.ended = true));
    using changes = folderChanges([repository.file('vm'), repository.folder]);
    while (!merging.ended && phaseNow(repository, 'p04') !== 'unpublished') await changes.next();
    const socket = join(repository.folder, 's');
    const server = execa('qemu-nbd', ['--read-only', '--persistent', '--format=qcow2', `--socket=${socket}`, image], {
      reject: false,
    });
    const truth = join(repository.folder, 'truth', 'p04-0.raw');
    const compare = async (): Promise<string> =>
      (await execa('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', `nbd:unix:${socket}`, truth], { reject: false }))
        .stdout;
    while (!(await readdir(repository.folder)).includes('s')) await changes.next();
    let looks = 0;
    try {
      do {
        expect(await compare()).toBe('Images are identical.');
        expect(await repository.wrong(['p04'])).toEqual([]);
        looks++;
      } while (!merging.ended);
      expect(await compare()).toBe('Images are identical.');
    } finally {
      server.kill();
      await server;
    }
    expect((await running).exitCode).toBe(0);
    expect(looks).toBeGreaterThan(0);
    expect(await repository.findings()).toEqual([]);
  });

  test('keeps the old files until his run has ended', { timeout: 300_000 }, async () => {
    await using repository = await fill(await mergeRepository());
    addRuns(repository.state, 'restore-1');
    const result = await removePoints(repository.state, {
      ...vm,
      root: repository.root,
      remove: ['p03'],
      // In the middle of it: what goes is gone already, what stays can be chosen.
      onProgress() {
        expect(() => usePoint(repository.state, 'restore-1', { ...vm, backupId: 'p03' })).toThrow(
          /no restore point p03/,
        );
        usePoint(repository.state, 'restore-1', { ...vm, backupId: 'p04' });
      },
    });
    expect(result.removed).toEqual(['p03']);
    expect(phaseNow(repository, 'p04')).toBe('published');
    expect(await readdir(repository.file('vm/disk-0'))).toContain('p03.index');
    expect(await repository.wrong()).toEqual([]);
    expect(await finish(repository)).toEqual([]);
    expect((await remove(repository, 'p04')).skipped).toEqual([
      { backup_id: 'p04', reason: 'a merge into it waits for whoever reads it' },
    ]);
    createJournal(repository.state, () => true).finishRun('restore-1', {
      status: 'succeeded',
      exitCode: 0,
      result: {},
      error: null,
      warnings: [],
      published: false,
      unclean: false,
      finished: Date.now(),
    });
    expect(await finish(repository)).toEqual(['vm/p04']);
    expect(await repository.findings()).toEqual([]);
    expect(await readdir(repository.file('vm/disk-0'))).not.toContain('p03.index');
  });
});

describe('images that are not plain', () => {
  test.each([
    ['encrypted', { key: imageKey('a-key-of-more-than-twenty-characters', 'test') }],
    ['compressed', { compress: true }],
  ])('%s: every subset of four', { timeout: 300_000 }, async (_name, how) => {
    const keys = imageKeys('primary', 'key' in how ? how.key : null);
    await using template = await mergeRepository();
    const next = numbersFrom(3);
    for (let at = 1; at <= 4; at++)
      await template.add(idOf(at), [
        { number: 0, parent: at === 1 ? null : idOf(at - 1), commands: someWrites(next, 4 * MiB, 8), ...how },
      ]);
    expect(await template.wrong(undefined, keys)).toEqual([]);
    template.state.close();
    for (const ids of [['p01'], ['p02'], ['p01', 'p02'], ['p02', 'p03'], ['p01', 'p03'], ['p01', 'p02', 'p03']]) {
      await using repository = await mergeRepository(template);
      const { removed } = await removePoints(repository.state, { ...vm, root: repository.root, remove: ids, keys });
      expect(removed.toSorted()).toEqual(ids);
      expect(await repository.wrong(undefined, keys)).toEqual([]);
      expect(await repository.findings(keys)).toEqual([]);
    }
  });
});

describe('a full disk', () => {
  test('is foreseen, and the space that is needed is said', { timeout: 300_000 }, async (context) => {
    await using small = await smallDisk('200m');
    if (!small) return context.skip('this user may not mount');
    await using repository = await fill(await mergeRepository(undefined, small.path));
    fillUp(small.path, 2 * MiB);
    await expect(remove(repository, 'p02')).rejects.toThrow(
      /^VM vm: merging it into p03 needs [0-9]+ bytes, [0-9]+ are free$/,
    );
    expect(phaseNow(repository, 'p03')).toBeNull();
    expect(await repository.findings()).toEqual([]);
    // Nothing has to be merged for these.
    expect((await remove(repository, 'p04', 'p03')).removed).toEqual(['p04', 'p03']);
  });

  test(
    'in the middle of a merge leaves everything readable, and it goes on when there is space',
    { timeout: 300_000 },
    async (context) => {
      await using small = await smallDisk('200m');
      if (!small) return context.skip('this user may not mount');
      await using repository = await fill(await mergeRepository(undefined, small.path));
      const failed = removePoints(repository.state, {
        ...vm,
        root: repository.root,
        remove: ['p02'],
        // Said once it was found to fit, and before anything is done.
        log: () => fillUp(small.path, MiB),
      });
      await expect(failed).rejects.toThrow(
        /^merging into p03 of VM vm needs [0-9]+ bytes, [0-9]+ are free; it is as it was$/,
      );
      expect(await repository.wrong(['p01', 'p03', 'p04'])).toEqual([]);
      await execa('rm', [join(small.path, 'full')]);
      expect(await finish(repository)).toEqual(['vm/p03']);
      expect(repository.ids()).toEqual(['p01', 'p03', 'p04']);
      expect(await repository.wrong()).toEqual([]);
      expect(await repository.findings()).toEqual([]);
    },
  );
});

/** Leaves so many bytes free. */
function fillUp(folder: string, leave: number): void {
  const { bavail, bsize } = statfsSync(folder);
  execFileSync('fallocate', ['-l', String(bavail * bsize - leave), join(folder, 'full')]);
}

/** A file system of that size; null where this user may not make one. */
async function smallDisk(size: string): Promise<(AsyncDisposable & { path: string }) | null> {
  const folder = await temporaryFolder();
  const path = folder.file('small');
  await mkdir(path);
  const { exitCode } = await execa('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', path], {
    reject: false,
  });
  if (exitCode !== 0) {
    await folder[Symbol.asyncDispose]();
    return null;
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      await execa('umount', ['-l', path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
