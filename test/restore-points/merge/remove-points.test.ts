import { chmod, open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { immutableFiles, setImmutable as clearImmutable } from '../../../src/host/files/file-flags.ts';
import { set as setImmutable } from '../../../src/repository/stored-files/immutable.ts';
import { readManifest } from '../../../src/repository/manifest.ts';
import { readMarks } from '../../../src/repository/marks.ts';
import { writeMarks } from '../../repository/fixture-files.ts';
import { unroutedNotices } from '../../../src/state/notices/notices.ts';
import { usePoint } from '../../../src/state/points/point-uses.ts';
import { findPoint } from '../../../src/state/points/restore-points.ts';
import { finishMerges } from '../../../src/restore-points/merge/finish-merges.ts';
import { removePoints, type RemovalResult } from '../../../src/restore-points/merge/remove-points.ts';
import { MiB } from '../../host/disk-images.ts';
import { addRuns } from '../../state/temporary-state.ts';
import { idOf, mergeRepository, numbersFrom, someWrites, vm, type MergeRepository } from './merge-repository.ts';
import { all, rounds } from '../../support/rounds.ts';

const capacity = 4 * MiB;

const remove = (repository: MergeRepository, ...ids: string[]): Promise<RemovalResult> =>
  removePoints(repository.state, { ...vm, root: repository.root, remove: ids });

/** Every file of the VM that is not of a restore point or is no file at all. */
async function strays(repository: MergeRepository): Promise<string[]> {
  const files = await readdir(repository.file('vm'), { recursive: true, withFileTypes: true });
  const ids = repository.ids();
  return files
    .filter((entry) => entry.isFile() && !ids.some((id) => entry.name.startsWith(`${id}.`)))
    .concat(files.filter(({ name }) => name.endsWith('.merge') || name.endsWith('.sendense-part')))
    .map(({ name }) => name);
}

async function assertSealed(repository: MergeRepository): Promise<void> {
  expect(await repository.wrong()).toEqual([]);
  expect(await repository.findings()).toEqual([]);
  expect(await strays(repository)).toEqual([]);
  for (const id of repository.ids()) {
    for (const disk of (await readManifest(repository.file('vm', `${id}.json`))).disks) {
      const { mode } = await stat(repository.file('vm', disk.path));
      expect([id, disk.number, mode & 0o777]).toEqual([id, disk.number, 0o400]);
    }
  }
}

/**
 * p01 <- p02 <- … with one disk; a second one comes with p02, begins a new chain with p04, and goes with the last. Writes
 * are of all kinds and alignments.
 */
async function makeChain(length: number, seed: number): Promise<MergeRepository> {
  const repository = await mergeRepository();
  const next = numbersFrom(seed);
  for (let at = 1; at <= length; at++) {
    const parent = at === 1 ? null : idOf(at - 1);
    await repository.add(idOf(at), [
      { number: 0, parent, commands: someWrites(next, capacity, 10) },
      ...(at > 1 && at < length
        ? [{ number: 1, parent: at === 2 || at === 4 ? null : parent, commands: someWrites(next, capacity, 5) }]
        : []),
    ]);
  }
  repository.state.close();
  return repository;
}

const templates = new Map<number, Promise<MergeRepository>>();
async function chain(length: number): Promise<MergeRepository> {
  const template = templates.get(length) ?? makeChain(length, length);
  templates.set(length, template);
  return mergeRepository(await template);
}
afterAll(async () => {
  for (const template of templates.values()) await (await template)[Symbol.asyncDispose]();
});

const subsets = (length: number): string[][] =>
  Array.from({ length: 2 ** length - 1 }, (_, bits) =>
    Array.from({ length }, (_none, at) => idOf(at + 1)).filter((_id, at) => ((bits + 1) >> at) & 1),
  );

describe('whatever is removed, what stays shows what it showed', () => {
  // Of four they show every way in which neighbours go and stay.
  const length = all ? 5 : 4;
  test.each(subsets(length).map((ids) => [ids.join(' '), ids] as const))(
    `of ${length}: %s`,
    { timeout: 300_000 },
    async (_name, ids) => {
      await using repository = await chain(length);
      const before = repository.ids();
      const result = await remove(repository, ...ids);
      expect(result.skipped).toEqual([]);
      expect(result.removed.toSorted()).toEqual(ids);
      expect(repository.ids()).toEqual(before.filter((id) => !ids.includes(id)));
      expect(result.freed_bytes).toBeGreaterThan(0);
      await assertSealed(repository);
    },
  );

  const next = numbersFrom(77);
  const samples = Array.from({ length: rounds(1, 20) }, () => subsets(10)[next(1023)] ?? []);
  test.each(samples.map((ids) => [ids.join(' '), ids] as const))(
    'of ten: %s',
    { timeout: 300_000 },
    async (_name, ids) => {
      await using repository = await chain(10);
      expect((await remove(repository, ...ids)).removed.toSorted()).toEqual(ids);
      await assertSealed(repository);
    },
  );

  test('one after the other, the oldest first, as every night does', { timeout: 300_000 }, async () => {
    const last = rounds(5, 10);
    await using repository = await chain(last);
    for (let at = 1; at < last; at++) {
      expect((await remove(repository, idOf(at))).removed).toEqual([idOf(at)]);
      await assertSealed(repository);
    }
    const manifest = await readManifest(repository.file('vm', `${idOf(last)}.json`));
    expect(manifest).toMatchObject({
      kind: 'full',
      parent: null,
      disks: [{ mode: 'full', method: 'full', parent: null }],
    });
    expect(manifest.disks[0].reason).toMatch(new RegExp(`; merged with ${idOf(last - 1)}$`));
    expect(findPoint(repository.state, { ...vm, backupId: idOf(last) })).toMatchObject({
      checksum: manifest.checksum,
      kind: 'full',
    });
  });
});

describe('what cannot go stays, and the reason is said', () => {
  test('unknown, protected, read by a run, needed by two', { timeout: 300_000 }, async () => {
    await using repository = await chain(5);
    await repository.add('q1', [{ number: 0, parent: 'p02', commands: ['write -P 9 0 64k'] }]);
    await writeMarks(repository.root, 'vm', 'p01', {
      protected: { since: 1, until: null, reason: 'audit', by: 'test' },
    });
    addRuns(repository.state, 'run-1');
    usePoint(repository.state, 'run-1', { ...vm, backupId: 'p05' });
    const before = repository.ids();
    const { removed, skipped } = await remove(repository, 'p01', 'p02', 'p04', 'nobody');
    expect(removed).toEqual([]);
    expect(Object.fromEntries(skipped.map(({ backup_id: id, reason }) => [id, reason]))).toEqual({
      p01: 'p01 is protected',
      p02: 'p03 and q1 are built on it',
      p04: 'run run-1 reads p05, which is built on it',
      nobody: 'there is no such restore point',
    });
    expect(repository.ids()).toEqual(before);
    await assertSealed(repository);
  });

  test('an image that another program has open', { timeout: 300_000 }, async () => {
    await using repository = await chain(5);
    const reader = execa('qemu-io', ['-r', '-f', 'qcow2', repository.file('vm/disk-0/p03.qcow2')], {
      stdin: 'pipe',
      reject: false,
    });
    try {
      reader.stdin.write('read 0 512\n');
      await new Promise((resolve) => reader.stdout.once('data', resolve));
      expect((await remove(repository, 'p03')).skipped[0]?.reason).toContain('another program has');
    } finally {
      reader.stdin.end('quit\n');
      await reader;
    }
    await assertSealed(repository);
  });

  test('a chain of which a file is not as it was committed', { timeout: 300_000 }, async () => {
    await using repository = await chain(5);
    const image = repository.file('vm/disk-0/p02.qcow2');
    await chmod(image, 0o644);
    await writeFile(image, 'x', { flag: 'a' });
    const { skipped } = await remove(repository, 'p03');
    expect(skipped).toEqual([
      { backup_id: 'p03', reason: 'disk-0/p02.qcow2, which p04 needs, is not as it was committed', lasting: true },
    ]);
  });
});

test('a file with another time is read back whole', { timeout: 300_000 }, async () => {
  await using repository = await chain(5);
  await utimes(repository.file('vm/disk-0/p02.qcow2'), new Date(), new Date());
  expect((await remove(repository, 'p02')).removed).toEqual(['p02']);
  await assertSealed(repository);
});

/** a <- b <- c with one disk; bytes of one of their files are others, and its time is the same. */
async function damaged(id: string, where: (size: number) => number): Promise<MergeRepository> {
  const repository = await mergeRepository();
  await repository.add('a', [{ number: 0, parent: null, commands: ['write -P 1 0 1M'] }]);
  await repository.add('b', [{ number: 0, parent: 'a', commands: ['write -P 2 0 128k'] }]);
  await repository.add('c', [{ number: 0, parent: 'b', commands: ['write -P 3 64k 64k'] }]);
  const image = repository.file(`vm/disk-0/${id}.qcow2`);
  const { size, mtimeNs } = await stat(image, { bigint: true });
  await chmod(image, 0o644);
  {
    await using file = await open(image, 'r+');
    await file.write(Buffer.alloc(64, 0x55), 0, 64, where(Number(size)));
  }
  await chmod(image, 0o400);
  const nanoseconds = String(mtimeNs % 1_000_000_000n).padStart(9, '0');
  await execa('touch', ['-m', '-d', `@${mtimeNs / 1_000_000_000n}.${nanoseconds}`, image]);
  return repository;
}

const brokenNow = async ({ root }: MergeRepository, id: string): Promise<string | undefined> =>
  (await readMarks(root, 'vm', id))?.broken?.reason;

test.each([
  // What the guest wrote, near the end of the file.
  ['c', (size: number): number => size - 32 * 1024, /does not hold what was backed up/],
  // Behind the header: qcow2 does not mind, and a merged file would be sealed with it.
  ['b', (): number => 30_000, /outside of the blocks of the guest/],
])('nothing is merged where %s is damaged: it is marked', { timeout: 300_000 }, async (id, where, what) => {
  await using repository = await damaged(id, where);
  const before = await readdir(repository.file('vm'), { recursive: true });
  const { removed, skipped } = await remove(repository, 'b');
  expect(removed).toEqual([]);
  expect(skipped).toMatchObject([{ backup_id: 'b', reason: expect.stringMatching(what) as string }]);
  expect(await brokenNow(repository, id)).toMatch(what);
  const notices = unroutedNotices(repository.state);
  expect(notices.map(({ event, vm: name }) => [event, name])).toEqual([['verification-failure', 'vm']]);
  // Again says it, and raises no other notice.
  expect((await remove(repository, 'b')).skipped[0]?.reason).toMatch(what);
  expect(unroutedNotices(repository.state)).toHaveLength(1);
  expect((await readdir(repository.file('vm'), { recursive: true })).toSorted()).toEqual(
    [...before, `${id}.marks`].toSorted(),
  );
});

test(
  'what the guest wrote in a file that goes is damaged: what takes it in is marked',
  { timeout: 300_000 },
  async () => {
    await using repository = await damaged('b', (size) => size - 96 * 1024);
    expect((await remove(repository, 'a', 'b')).removed.toSorted()).toEqual(['a', 'b']);
    expect(await brokenNow(repository, 'c')).toMatch(/^disk-0 was damaged before it was merged/);
  },
);

test(
  'immutable files are set free for it, and only what stays is immutable afterwards',
  { timeout: 300_000 },
  async (context) => {
    await using repository = await chain(5);
    const files = ['p02', 'p03', 'p04'].flatMap((id) => [`${id}.json`, `disk-0/${id}.qcow2`, `disk-0/${id}.index`]);
    const paths = files.map((file) => repository.file('vm', file));
    try {
      await setImmutable(paths);
    } catch {
      return context.skip('this file system or user knows no immutable files');
    }
    try {
      expect((await remove(repository, 'p03')).removed).toEqual(['p03']);
      const kept = paths.filter((path) => !path.includes('p03'));
      expect([...(await immutableFiles(kept))].toSorted()).toEqual(kept.toSorted());
    } finally {
      const left = await immutableFiles(paths);
      await clearImmutable([...left], false);
    }
    await assertSealed(repository);
  },
);

test('the manifest that an intent was made for must be there', { timeout: 300_000 }, async () => {
  await using repository = await chain(5);
  const abort = new AbortController();
  await expect(
    removePoints(repository.state, {
      ...vm,
      root: repository.root,
      remove: ['p03'],
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    }),
  ).rejects.toThrow('enough');
  const intent = JSON.parse(await readFile(repository.file('vm/p04.merge'), 'utf8')) as { phase: string };
  expect(intent.phase).toBe('unpublished');
  expect(await repository.wrong()).toEqual([]);
  expect(await repository.findings()).toEqual([expect.stringContaining('file.leftover vm/p04.merge')]);
  const image = repository.file('vm/disk-0/p04.qcow2');
  await utimes(image, new Date(), new Date());
  const repositoryOf = { name: 'primary', root: repository.root };
  await expect(finishMerges(repository.state, repositoryOf)).rejects.toThrow(
    /p04\.merge cannot continue: .*p04\.qcow2 is missing or was changed/,
  );
  expect(await repository.wrong()).toEqual([]);
  const { file_mtime_ns: time } = (await readManifest(repository.file('vm/p04.json'))).disks[0];
  await execa('touch', ['-d', `@${time.slice(0, -9)}.${time.slice(-9)}`, image]);
  expect(await finishMerges(repository.state, repositoryOf)).toEqual(['vm/p04']);
  await assertSealed(repository);
});

test(
  'what has its data in another file is merged into nothing, and nothing into it',
  { timeout: 300_000 },
  async () => {
    await using repository = await chain(3);
    const image = repository.file('vm/disk-0/p02.qcow2');
    const { atime, mtime } = await stat(image);
    await chmod(image, 0o644);
    const file = await open(image, 'r+');
    await file.write(Buffer.from([4]), 0, 1, 79);
    await file.close();
    await utimes(image, atime, mtime);
    const { removed, skipped } = await remove(repository, 'p02');
    expect(removed).toEqual([]);
    expect(skipped[0]?.reason).toMatch(/^disk-0 of p02 is broken, .*has its data in another file$/);
  },
);
