import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { removeRunFolder } from '../../../src/host/programs/run-folder.ts';
import type { MergeIntent } from '../../../src/schemas/types.ts';
import { usePoint } from '../../../src/state/points/point-uses.ts';
import { findPoint } from '../../../src/state/points/restore-points.ts';
import { finishMerges } from '../../../src/restore-points/merge/finish-merges.ts';
import { removePoints } from '../../../src/restore-points/merge/remove-points.ts';
import type { ContentLevel } from '../../../src/restore-points/verify/examine-point.ts';
import { verifyPoint, type VerifiedPoint } from '../../../src/restore-points/verify/verify-points.ts';
import { MiB } from '../../host/disk-images.ts';
import { addRuns } from '../../state/temporary-state.ts';
import { idOf, mergeRepository, vm, type MergeRepository } from './merge-repository.ts';

const levels: readonly ContentLevel[] = ['quick', 'digests', 'deep'];
const capacity = 24 * MiB;

/** p01 <- … <- p04 with two disks; each changes 8 MiB. */
async function chain(): Promise<MergeRepository> {
  const repository = await mergeRepository();
  addRuns(repository.state, 'verify-1', 'reader-1');
  for (let at = 1; at <= 4; at++)
    await repository.add(
      idOf(at),
      [0, 1].map((number) => ({
        number,
        parent: at === 1 ? null : idOf(at - 1),
        capacity,
        commands: [`write -P ${at} ${(at - 1) * 4}M 8M`],
      })),
    );
  return repository;
}

async function verify({ state, root }: MergeRepository, id: string, level: ContentLevel): Promise<VerifiedPoint> {
  const point = findPoint(state, { ...vm, backupId: id });
  const folderId = `verify-${process.pid}-${performance.now()}`;
  try {
    const found = point && (await verifyPoint(workOf(), point));
    if (!found) throw new Error(`${id} is gone`);
    return found;
  } finally {
    await removeRunFolder(folderId);
  }
  function workOf(): Parameters<typeof verifyPoint>[0] {
    return {
      state,
      repository: 'primary',
      runId: 'verify-1',
      plan: 'verify',
      level,
      reading: { root, folderId },
      found: new Map(),
      log: () => undefined,
    };
  }
}

async function assertSound(repository: MergeRepository, ids = ['p01', 'p03', 'p04']): Promise<void> {
  for (const level of levels)
    for (const id of ids)
      expect(await verify(repository, id, level)).toMatchObject({
        backup_id: id,
        ok: true,
        broken: false,
        problems: [],
      });
}

const intentNow = (repository: MergeRepository): MergeIntent =>
  JSON.parse(readFileSync(repository.file('vm/p03.merge'), 'utf8')) as MergeIntent;

test('a restore point whose merge was cut off is sound', { timeout: 300_000 }, async () => {
  await using repository = await chain();
  const cut = new AbortController();
  const removal = removePoints(repository.state, {
    ...vm,
    root: repository.root,
    remove: ['p02'],
    signal: cut.signal,
    onProgress: () => cut.abort(),
  });
  await expect(removal).rejects.toThrow();
  expect(intentNow(repository).phase).toBe('unpublished');
  await assertSound(repository);
  await finishMerges(repository.state, { name: 'primary', root: repository.root });
  await assertSound(repository);
  expect(await repository.findings()).toEqual([]);
});

test('one whose merge waits for a reader, or was cut off before the database knew', { timeout: 300_000 }, async () => {
  await using repository = await chain();
  const before = findPoint(repository.state, { ...vm, backupId: 'p03' });
  await removePoints(repository.state, {
    ...vm,
    root: repository.root,
    remove: ['p02'],
    onProgress: () => usePoint(repository.state, 'reader-1', { ...vm, backupId: 'p04' }),
  });
  expect(intentNow(repository).phase).toBe('published');
  await assertSound(repository);
  const { state } = repository;
  state.run(
    state.query
      .updateTable('backups')
      .set({ checksum: before?.checksum ?? '' })
      .where('backup_id', '=', 'p03'),
  );
  await assertSound(repository);
});

test.each(levels)('while it is merged, level %s', { timeout: 300_000 }, async (level) => {
  await using repository = await chain();
  const found: Promise<VerifiedPoint>[] = [];
  const merging = { ended: false };
  let begun = false;
  const again = async (): Promise<void> => {
    while (!merging.ended) {
      const verifying = verify(repository, 'p03', level);
      found.push(verifying);
      await verifying;
    }
  };
  const verifying: Promise<void>[] = [];
  await removePoints(repository.state, {
    ...vm,
    root: repository.root,
    remove: ['p02'],
    onProgress: () => {
      if (!begun) verifying.push(again());
      begun = true;
    },
  });
  merging.ended = true;
  await Promise.all(verifying);
  for (const one of await Promise.all(found)) expect(one).toMatchObject({ ok: true, broken: false, problems: [] });
  expect(found.length).toBeGreaterThan(0);
  await finishMerges(repository.state, { name: 'primary', root: repository.root });
  await assertSound(repository);
  expect(await repository.findings()).toEqual([]);
});
