import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { collectGarbage } from '../../../src/hub/repositories/collect-garbage.ts';
import { copyPoints } from '../../../src/hub/repositories/copy-points.ts';
import { checkRepository } from '../../../src/hub/check/check-repository.ts';
import { importRepository } from '../../../src/hub/import/import-repository.ts';
import { noKeys } from '../../../src/repository/image-keys.ts';
import type { Settings } from '../../../src/schemas/types.ts';
import { findPoint, points } from '../../../src/state/points/restore-points.ts';
import { finishMerges } from '../../../src/restore-points/merge/finish-merges.ts';
import { removePoints } from '../../../src/restore-points/merge/remove-points.ts';
import { decideVm } from '../../../src/restore-points/prune/decide-vm.ts';
import { storedChain } from '../../../src/restore-points/stored-chain.ts';
import { examinePoint } from '../../../src/restore-points/verify/examine-point.ts';
import { verifyChain } from '../../../src/repository/verify-chain.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../../steps/backup-run.ts';
import { listing, stepBench, type StepBench } from '../../steps/step-bench.ts';
import { cutOffRemoval } from './cut-off-removal.ts';

// Whole backups on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

const settings: Partial<Settings> = {
  repositories: { primary: { path: './repository', minFree: 0 }, second: { path: './second', minFree: 0 } },
};
const vm = { repository: 'primary', context: 'pgtest1' };

let bench: StepBench;
/** One chain: 0 <- 1 <- 2. */
let ids: string[];
let root: string;

/** Restore point 1 is being merged into 2. */
async function prepare(lost: boolean): Promise<void> {
  bench = await stepBench(settings);
  root = bench.folder.file('repository');
  await makeRaw(bench.folder.file('a.raw'), 4 * MiB, [0, MiB]);
  for (const number of [0, 1, 2]) {
    await writeInto(bench.folder.file('a.raw'), [number * 65536, 4096]);
    await backup(bench, { run: `run-00000${number}`, disks: ['a.raw'] });
  }
  ids = points(bench.state, vm).map(({ backup_id: id }) => id);
  await cutOffRemoval(bench, ids[1] ?? '', { lost });
}

afterEach(() => bench[Symbol.asyncDispose]());

const nextBackup = async (): Promise<string> => {
  await writeInto(bench.folder.file('a.raw'), [3 * 65536, 4096]);
  const { parts } = await backup(bench, { run: 'run-000003', disks: ['a.raw'] });
  const [disk] = parts.decided.disks;
  return `${disk?.mode}: ${disk?.reason}`;
};

const verify = async (id: string, level: 'deep' | 'quick' = 'deep') => {
  const verdict = await examinePoint(bench.state, { ...vm, backupId: id }, level, {
    root,
    keys: noKeys,
    folderId: 'verify-1',
    background: false,
    pace: null,
  } as unknown as Parameters<typeof examinePoint>[3]);
  return verdict?.problems.map(({ code, path, message, breaks }) => ({ breaks, text: `${code} ${path} ${message}` }));
};

/** The JSON is right, the checksum is not. */
const changeByHand = async (path: string, kept: string): Promise<void> => {
  const intent = JSON.parse(await readFile(kept, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...intent, phase: 'published' }));
};

/** Ways in which an intent can be of no use, and what is said of it. */
const damages: readonly (readonly [(path: string, kept: string) => Promise<unknown>, RegExp])[] = [
  [(path) => writeFile(path, '{"format"'), /is not JSON/],
  [changeByHand, /was changed/],
  [(path) => mkdir(path), /cannot be read: EISDIR/],
];

/** Nothing of the VM goes, and each command says why and what to do. */
async function expectRefusals(merge: string, what: RegExp): Promise<void> {
  const before = await listing(root);
  const refusal = {
    code: 'repository.damaged',
    message: expect.stringMatching(new RegExp(`^${merge}, which says how a removal goes on, ${what.source}`)) as string,
    remedy: expect.stringMatching(/copy of the repository.*“A removal that cannot be finished” in docs/) as string,
  };
  const { state, services } = bench;
  await expect(finishMerges(state, { name: 'primary', root }, { everywhere: true })).rejects.toMatchObject(refusal);
  const options = { retention: { last: 1 }, now: Date.now(), timezone: 'Etc/UTC' };
  await expect(decideVm(state, { ...vm, root }, options)).rejects.toMatchObject(refusal);
  await expect(removePoints(state, { ...vm, root, remove: [ids[0] ?? ''] })).rejects.toMatchObject(refusal);
  const copy = { from: 'primary', to: 'second', move: true, target: { vm: 'pgtest1' } };
  await expect(copyPoints(services, copy)).rejects.toMatchObject(refusal);
  const gc = await collectGarbage(services, { dryRun: false, purge: true, now: Date.now() + 2 * 3_600_000 });
  expect(gc.repositories[0]).toMatchObject({
    removed: [],
    skipped: [{ reason: expect.stringMatching(what) as string }],
  });
  const imported = await importRepository({ state, repository: 'primary', root, forgetMissing: true });
  expect(imported.forgotten).toEqual([]);
  expect(imported.refused[0]?.message).toMatch(/cannot be finished” in docs\/repository\.md$/);
  const { findings } = await checkRepository({
    root,
    deep: false,
    known: () => new Map([['pgtest1', new Map(points(state, vm).map((point) => [point.backup_id, point.checksum]))]]),
    claimed: () => new Set(),
  });
  expect(findings).toContainEqual(
    expect.objectContaining({ code: 'manifest.damaged', path: merge, remedy: refusal.remedy }),
  );
  // Not broken by it: its disks are as they were.
  expect(await verify(ids[2] ?? '')).toEqual([
    { breaks: false, text: expect.stringMatching(new RegExp(`${what.source}.*see “A removal that`)) as string },
  ]);
  expect(await listing(root)).toEqual(before);
  const newest = findPoint(state, { ...vm, backupId: ids[2] ?? '' });
  const chain = newest ? storedChain(state, newest, 0) : 'gone';
  expect(await verifyChain(root, chain as Exclude<typeof chain, string>)).toEqual({ verdict: 'sound' });
}

test('an intent that is damaged: nothing of the VM goes, backups and restores go on, and it can be put back', async () => {
  await prepare(false);
  const { state } = bench;
  const merge = `pgtest1/${ids[2]}.merge`;
  const kept = bench.folder.file('kept.merge');
  await rename(join(root, merge), kept);
  for (const [damage, what] of damages) {
    await rm(join(root, merge), { recursive: true, force: true });
    await damage(join(root, merge), kept);
    await expectRefusals(merge, what);
  }

  // A backup begins a chain of its own, which has nothing to do with it.
  expect(await nextBackup()).toMatch(/^full: the chain cannot be built on: .*\.merge/);
  expect(await verify(points(state, vm).at(-1)?.backup_id ?? '')).toEqual([]);

  // Put back, it is finished.
  await rm(join(root, merge), { recursive: true });
  await rename(kept, join(root, merge));
  expect(await finishMerges(state, { name: 'primary', root }, { everywhere: true })).toEqual([`pgtest1/${ids[2]}`]);
  expect(await verify(ids[2] ?? '')).toEqual([]);
});

test('no copy of the intent: given up as the docs say, and what is left is sound and pruned again', async () => {
  await prepare(true);
  await writeFile(bench.folder.file('x'), '{');
  await rename(bench.folder.file('x'), join(root, `pgtest1/${ids[2]}.merge`));
  await nextBackup();
  await mkdir(bench.folder.file('aside'));
  for (const name of [`${ids[2]}.merge`, `${ids[2]}.json`])
    await rename(join(root, 'pgtest1', name), bench.folder.file('aside', name));
  const { state, services } = bench;
  const imported = await importRepository({ state, repository: 'primary', root, forgetMissing: true });
  expect(imported).toMatchObject({ refused: [], forgotten: [ids[2]] });
  await collectGarbage(services, { dryRun: false, purge: false, now: Date.now() + 2 * 3_600_000 });
  const left = points(state, vm).map(({ backup_id: id }) => id);
  expect(left).toEqual([ids[0], expect.stringMatching(/-000003$/)]);
  expect((await readdir(join(root, 'pgtest1/disk-0'))).toSorted()).toEqual(
    left.flatMap((id) => [`${id}.index`, `${id}.qcow2`]),
  );
  for (const id of left) expect(await verify(id)).toEqual([]);
  const { removed } = await removePoints(state, { ...vm, root, remove: [ids[0] ?? ''] });
  expect(removed).toEqual([ids[0]]);
});

test('a backup does not build on what is built on a file that was lost in a removal', async () => {
  await prepare(true);
  expect(await nextBackup()).toMatch(/^full: .*on which .* is built until a removal is finished, is missing/);
});

test('but on what a removal that can go on has to do with', async () => {
  await prepare(false);
  expect(await nextBackup()).toMatch(/^incremental: /);
  expect(await finishMerges(bench.state, { name: 'primary', root }, { everywhere: true })).toEqual([
    `pgtest1/${ids[2]}`,
  ]);
  for (const { backup_id: id } of points(bench.state, vm)) expect(await verify(id)).toEqual([]);
});
