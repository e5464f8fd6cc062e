import { chmod, copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openIndex } from '../../../src/blocks/block-index.ts';
import { parentOfIndex } from '../../../src/blocks/index-parent.ts';
import { noKeys } from '../../../src/repository/image-keys.ts';
import { writeIntent } from '../../../src/repository/merge/intent.ts';
import { readManifest } from '../../../src/repository/manifest.ts';
import { verifyChain } from '../../../src/repository/verify-chain.ts';
import { findPoint } from '../../../src/state/points/restore-points.ts';
import { claimed, finishMerges } from '../../../src/restore-points/merge/finish-merges.ts';
import { prepareUnit } from '../../../src/restore-points/merge/prepare-unit.ts';
import { removePoints, type RemovalResult } from '../../../src/restore-points/merge/remove-points.ts';
import { storedChain } from '../../../src/restore-points/stored-chain.ts';
import { MiB } from '../../host/disk-images.ts';
import { idOf, mergeRepository, numbersFrom, someWrites, vm, type MergeRepository } from './merge-repository.ts';

const capacity = 4 * MiB;
let template: MergeRepository;

/** p03 and p06 have an index of format 1; p02 is built on p01, p04 on p03, p05 on p04, p07 on p06, p08 on p07. */
beforeAll(async () => {
  template = await mergeRepository();
  const next = numbersFrom(7);
  for (let at = 1; at <= 8; at++) {
    // Little changes of a disk that is full.
    const commands = at === 1 ? [`write -P 7 0 ${capacity}`] : someWrites(next, capacity, 1, 4);
    await template.add(idOf(at), [{ number: 0, parent: at === 1 ? null : idOf(at - 1), capacity, commands }]);
  }
  template.state.close();
}, 300_000);
afterAll(() => template[Symbol.asyncDispose]());

const index = (repository: MergeRepository, id: string): string => repository.file('vm', 'disk-0', `${id}.index`);
const remove = (repository: MergeRepository, ...ids: string[]): Promise<RemovalResult> =>
  removePoints(repository.state, { ...vm, root: repository.root, remove: ids });

/** Each index with those that it is built on, nearest first. */
async function builtOn(repository: MergeRepository): Promise<string[]> {
  const lines: string[] = [];
  for (const id of repository.ids()) {
    await using reader = await openIndex(index(repository, id), { verify: 'all' });
    expect(reader.root).toBe(findPoint(repository.state, { ...vm, backupId: id })?.disks[0]?.digest);
    lines.push([id, ...reader.levels.flatMap(({ parent }) => parent ?? [])].join(' '));
  }
  return lines;
}

async function assertSealed(repository: MergeRepository): Promise<void> {
  expect(await repository.wrong()).toEqual([]);
  expect(await repository.findings()).toEqual([]);
  for (const id of repository.ids()) {
    const manifest = await readManifest(repository.file('vm', `${id}.json`));
    const row = findPoint(repository.state, { ...vm, backupId: id });
    expect(row?.disks[0]?.index).toEqual(manifest.disks[0].index);
    expect(manifest.disks[0].index.bytes).toBe((await readFile(index(repository, id))).length);
  }
}

/** Names, sizes and times of change. */
async function filesIn({ root }: MergeRepository): Promise<string[]> {
  const names = (await readdir(root, { recursive: true })).filter((name) => name.startsWith('vm/')).sort();
  return Promise.all(names.map(async (name) => `${name} ${JSON.stringify(await facts(join(root, name)))}`));
}

async function facts(path: string): Promise<unknown> {
  const info = await stat(path);
  return info.isDirectory() ? null : { size: info.size, mtimeMs: info.mtimeMs, ino: info.ino };
}

test('an index takes over what the removed ones had, stands on what the disk is built on then, and those above stay', async () => {
  await using repository = await mergeRepository(template);
  expect(await builtOn(repository)).toEqual([
    'p01',
    'p02 p01',
    'p03',
    'p04 p03',
    'p05 p04 p03',
    'p06',
    'p07 p06',
    'p08 p07 p06',
  ]);
  const above = await readFile(index(repository, 'p08'));
  await remove(repository, 'p01');
  expect((await builtOn(repository)).slice(0, 2)).toEqual(['p02', 'p03']);
  await assertSealed(repository);
  await remove(repository, 'p04');
  expect((await builtOn(repository))[2]).toEqual('p05 p03');
  await remove(repository, 'p06');
  // On p05 it would have two below it, and p08 three: longer than before.
  expect(await builtOn(repository)).toEqual(['p02', 'p03', 'p05 p03', 'p07', 'p08 p07']);
  expect(await readFile(index(repository, 'p08'))).toEqual(above);
  await assertSealed(repository);
  await remove(repository, 'p02', 'p03', 'p05', 'p07');
  expect(await builtOn(repository)).toEqual(['p08']);
  await assertSealed(repository);
});

test('an index of format 1 stays as it is', async () => {
  await using repository = await mergeRepository(template);
  const before = await readFile(index(repository, 'p03'));
  await remove(repository, 'p01', 'p02');
  expect(await readFile(index(repository, 'p03'))).toEqual(before);
  await assertSealed(repository);
});

test('what cannot be read with what it is built on is not merged, and nothing goes', async () => {
  await using repository = await mergeRepository(template);
  await chmod(index(repository, 'p03'), 0o600);
  const bytes = await readFile(index(repository, 'p03'));
  bytes[64]! ^= 1;
  await writeFile(index(repository, 'p03'), bytes);
  const { removed, skipped } = await remove(repository, 'p04');
  expect(removed).toEqual([]);
  expect(skipped).toEqual([
    { backup_id: 'p04', reason: expect.stringMatching(/disk-0\/p05\.index cannot be read/), lasting: true },
  ]);
  expect(await repository.wrong()).toEqual([]);
});

test.each([
  ['p04', 'p05'],
  ['p08', 'p10'],
])('an index without an image that is built on %s keeps it, and nothing is changed', async (id, above) => {
  await using repository = await mergeRepository(template);
  await using other = await mergeRepository(template);
  if (above === 'p10') await other.add('p10', [{ number: 0, parent: id, capacity, commands: ['write -P 9 0 64k'] }]);
  await copyFile(index(other, above), index(repository, 'stray'));
  expect((await parentOfIndex(index(repository, 'stray')))?.name).toBe(id);
  const before = await filesIn(repository);
  const { removed, skipped } = await remove(repository, id);
  expect(removed).toEqual([]);
  expect(skipped).toEqual([
    { backup_id: id, reason: expect.stringContaining('disk-0/stray.index is built on') as string, lasting: true },
  ]);
  expect(await filesIn(repository)).toEqual(before);
});

test('damage of one index keeps only what needs it', async () => {
  await using repository = await mergeRepository(template);
  await remove(repository, 'p04');
  expect((await builtOn(repository))[3]).toBe('p05 p03');
  await using other = await mergeRepository(template);
  const below = index(other, 'p03');
  const good = await readFile(below);
  const table = Buffer.from(good);
  table[table.length - 64 - 1]! ^= 1;
  await chmod(below, 0o600);
  await writeFile(below, table);
  // p04 and p05 cannot be read now; p02 stands on p01 all the same.
  expect((await remove(other, 'p04')).removed).toEqual([]);
  expect((await remove(other, 'p01')).removed).toEqual(['p01']);
  expect(await other.wrong()).toEqual([]);
});

test('a removed point on whose index another one is built by then keeps its files', async () => {
  await using repository = await mergeRepository(template);
  const { state, root } = repository;
  const request = { state, vm, root, keys: noKeys, log: () => undefined, progress: () => undefined };
  const unit = { child: null, drop: ['p08'], disks: [] };
  await claimed(request, async (work) => writeIntent(work.hold, await prepareUnit(work, unit)));
  await using other = await mergeRepository(template);
  await other.add('p10', [{ number: 0, parent: 'p08', capacity, commands: ['write -P 9 0 64k'] }]);
  await copyFile(index(other, 'p10'), index(repository, 'stray'));
  await expect(finishMerges(state, { name: 'primary', root }, { everywhere: true })).rejects.toMatchObject({
    code: 'repository.damaged',
    message: expect.stringMatching(/stray\.index is built on .*p08\.index/) as string,
  });
  await using kept = await openIndex(index(repository, 'stray'), { verify: 'all' });
  expect(kept.levels).toHaveLength(4);
});

test('a chain whose index is damaged below, missing, or another one is broken, and the reason is said', async () => {
  await using repository = await mergeRepository(template);
  const verdict = async () => {
    const point = findPoint(repository.state, { ...vm, backupId: 'p08' });
    return verifyChain(repository.root, storedChain(repository.state, point!, 0) as never);
  };
  expect(await verdict()).toEqual({ verdict: 'sound' });
  const below = index(repository, 'p06');
  const good = await readFile(below);
  await chmod(below, 0o600);
  const bad = Buffer.from(good);
  bad[70]! ^= 1;
  await writeFile(below, bad);
  const reason = /p08\.index is built on .*p06\.index, which is not as it was committed/;
  expect(await verdict()).toEqual({ verdict: 'broken', reason: expect.stringMatching(reason) });
  expect(await repository.findings()).toEqual(
    expect.arrayContaining([expect.stringMatching(/^index\.damaged .*p06\.index is damaged/)]),
  );
  await writeFile(below, await readFile(index(repository, 'p03')));
  expect(await verdict()).toEqual({ verdict: 'broken', reason: expect.stringMatching(reason) });
  expect(await repository.findings()).toEqual([
    expect.stringMatching(/^index\.damaged .*p06\.index is damaged/),
    expect.stringMatching(/^chain\.broken .*p07\.qcow2/),
    expect.stringMatching(/^chain\.broken .*p08\.qcow2/),
  ]);
  await writeFile(below, good);
  expect(await verdict()).toEqual({ verdict: 'sound' });
});

test('it is the same whatever name of a merged index is there: the old form and the new one say the same', async () => {
  await using repository = await mergeRepository(template);
  const old = await readFile(index(repository, 'p02'));
  await using other = await mergeRepository(template);
  await remove(other, 'p01');
  const merged = await readFile(index(other, 'p02'));
  expect(merged).not.toEqual(old);
  // As a kill leaves it: the index has its new form, the manifest and the image are the old ones.
  await chmod(index(repository, 'p02'), 0o600);
  await writeFile(index(repository, 'p02'), merged);
  expect(await repository.findings()).toEqual([]);
  const point = findPoint(repository.state, { ...vm, backupId: 'p03' });
  expect(await verifyChain(repository.root, storedChain(repository.state, point!, 0) as never)).toMatchObject({
    verdict: 'sound',
  });
});
