import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { mkdir, rmdir, truncate } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { noKeys } from '../../../src/repository/image-keys.ts';
import { writeMarks } from '../../repository/fixture-files.ts';
import { databaseId } from '../../../src/state/credentials/sealing-key.ts';
import { usePoint } from '../../../src/state/points/point-uses.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { removePoints } from '../../../src/restore-points/merge/remove-points.ts';
import { foreseeStays } from '../../../src/restore-points/prune/foresee.ts';
import { MiB } from '../../host/disk-images.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { addRuns } from '../../state/temporary-state.ts';
import { idOf, mergeRepository, vm, type MergeRepository } from '../merge/merge-repository.ts';

/** p01 <- p02 <- p03, each with 8 MiB of its own. */
async function fill(repository: MergeRepository): Promise<MergeRepository> {
  for (let at = 1; at <= 3; at++)
    await repository.add(idOf(at), [
      {
        number: 0,
        parent: at === 1 ? null : idOf(at - 1),
        capacity: 24 * MiB,
        commands: [`write -P ${at} ${(at - 1) * 8}M 8M`],
      },
    ]);
  return repository;
}

const foreseen = async ({ state, root }: MergeRepository, ...ids: string[]): Promise<[string, string][]> => [
  ...(await foreseeStays({ state, vm: { ...vm, root }, points: points(state, vm), keys: noKeys }, new Set(ids))),
];

/** What a run says of them. */
async function skipped({ state, root }: MergeRepository, ...ids: string[]): Promise<[string, string][]> {
  const result = await removePoints(state, { ...vm, root, remove: ids });
  return result.skipped.map(({ backup_id: id, reason }) => [id, reason]);
}

test('what a run would do is foreseen to be done', async () => {
  await using repository = await fill(await mergeRepository());
  expect(await foreseen(repository, 'p01', 'p02')).toEqual([]);
  expect(await foreseen(repository, 'p03')).toEqual([]);
});

test('a point that a run reads, or that one is built on which it reads, stays', async () => {
  await using repository = await fill(await mergeRepository());
  addRuns(repository.state, 'restore-1');
  usePoint(repository.state, 'restore-1', { ...vm, backupId: 'p03' });
  const expected = [['p01', 'run restore-1 reads p03, which is built on it']];
  expect(await foreseen(repository, 'p01')).toEqual(expected);
  expect(await skipped(repository, 'p01')).toEqual(expected);
});

test('a VM of another hub keeps what it runs from; one of this hub that is gone keeps nothing', async () => {
  await using repository = await fill(await mergeRepository());
  const { state, root } = repository;
  const use = { boot: 'boot-1', host: hostname(), folder: repository.file('boot-1'), since: 1, by: 'operator' };
  const mark = (id: string, hub: string) => writeMarks(root, 'vm', id, { used: () => [{ ...use, hub }] });
  await mark('p03', 'of-another');
  const expected = [['p01', `boot-1 of host ${hostname()} runs from p03, which is built on it`]];
  expect(await foreseen(repository, 'p01')).toEqual(expected);
  expect(await skipped(repository, 'p01')).toEqual(expected);
  await mark('p03', databaseId(state));
  expect(await foreseen(repository, 'p01')).toEqual([]);
  // The database was put back to what it was before the VM was started, and the VM is there.
  await mkdir(use.folder);
  expect(await foreseen(repository, 'p01')).toEqual(expected);
  expect(await skipped(repository, 'p01')).toEqual(expected);
  await rmdir(use.folder);
  expect(await skipped(repository, 'p01')).toEqual([]);
});

test('nothing is merged into one that is marked as broken, or whose file is another one', async () => {
  await using repository = await fill(await mergeRepository());
  const broken = { since: 1, disks: [0], reason: 'disk-0 a bit is wrong', run_id: null };
  await writeMarks(repository.root, 'vm', 'p02', { broken });
  const expected = [['p01', 'disk-0 of p02 is broken, so nothing is merged: disk-0 a bit is wrong']];
  expect(await foreseen(repository, 'p01')).toEqual(expected);
  expect(await skipped(repository, 'p01')).toEqual(expected);
  await writeMarks(repository.root, 'vm', 'p02', { broken: null });
  await truncate(repository.file('vm/disk-0/p02.qcow2'), 100_000);
  const cut = [['p01', 'disk-0/p02.qcow2, which p02 needs, is not as it was committed']];
  expect(await foreseen(repository, 'p01')).toEqual(cut);
  expect(await skipped(repository, 'p01')).toEqual(cut);
});

test('a merge for which there is no space', async ({ skip }) => {
  await using folder = await temporaryFolder();
  const path = folder.file('small');
  await mkdir(path);
  const mount = await execa('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=700', 'tmpfs', path], { reject: false });
  if (mount.exitCode !== 0) skip(`this user may not mount: ${mount.stderr}`);
  try {
    await using repository = await fill(await mergeRepository(undefined, path));
    const { bavail, bsize } = statfsSync(path);
    execFileSync('fallocate', ['-l', String(bavail * bsize - 10 * MiB), join(path, 'full')]);
    expect(await foreseen(repository, 'p01')).toEqual([
      ['p01', expect.stringMatching(/^merging it into p02 needs 1[6-9]\d{6} bytes, 1\d{7} are free$/)],
    ]);
    expect(await foreseen(repository, 'p03')).toEqual([]);
  } finally {
    await execa('umount', ['-l', path]);
  }
});
