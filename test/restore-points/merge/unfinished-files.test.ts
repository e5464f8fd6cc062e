import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { thisProcess } from '../../../src/host/programs/process-identity.ts';
import { createQcow2 } from '../../../src/host/images/qemu-img.ts';
import { noKeys } from '../../../src/repository/image-keys.ts';
import { backingName, locksFolder } from '../../../src/repository/layout.ts';
import { lockFormat, recordName } from '../../../src/repository/vm-lock/lock-record.ts';
import { clearEverywhere } from '../../../src/restore-points/merge/clear-everywhere.ts';
import { removePoints, type RemovalResult } from '../../../src/restore-points/merge/remove-points.ts';
import { foreseeStays } from '../../../src/restore-points/prune/foresee.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { MiB } from '../../host/disk-images.ts';
import { someRun } from '../../state/temporary-state.ts';
import { idOf, mergeRepository, vm, type MergeRepository } from './merge-repository.ts';

const begun = '20261121T013000Z-0c77de';

/** p01 <- … <- p04. */
async function fill(repository: MergeRepository): Promise<MergeRepository> {
  for (let at = 1; at <= 4; at++)
    await repository.add(idOf(at), [
      {
        number: 0,
        parent: at === 1 ? null : idOf(at - 1),
        capacity: 8 * MiB,
        commands: [`write -P ${at} ${at}M 2M`],
      },
    ]);
  return repository;
}

/** An image that no manifest names, as a backup makes it. */
async function begin(repository: MergeRepository, id: string, parent: string | null, mode = 0o600): Promise<string> {
  const file = repository.file('vm', 'disk-0', `${id}.qcow2`);
  await mkdir(dirname(file), { recursive: true });
  await createQcow2(file, 8 * MiB, parent === null ? null : backingName(parent));
  await execa('qemu-io', ['-f', 'qcow2', '-c', 'write -P 9 0 1M', file]);
  await chmod(file, mode);
  return file;
}

const remove = (repository: MergeRepository, ...ids: string[]): Promise<RemovalResult> =>
  removePoints(repository.state, { ...vm, root: repository.root, remove: ids });

const foreseen = async ({ state, root }: MergeRepository, ...ids: string[]): Promise<[string, string][]> => [
  ...(await foreseeStays({ state, vm: { ...vm, root }, points: points(state, vm), keys: noKeys }, new Set(ids))),
];

const clear = ({ state, root }: MergeRepository): Promise<string[]> =>
  clearEverywhere(state, { name: 'primary', root });

const images = async (repository: MergeRepository): Promise<string[]> =>
  (await readdir(repository.file('vm', 'disk-0'))).filter((name) => name.endsWith('.qcow2')).toSorted();

/** Somebody on another host that is alive has the VM's lock. */
async function holdElsewhere(repository: MergeRepository): Promise<void> {
  const work = 'work-00000000-0000-0000-0000-000000000000';
  const folder = repository.file(locksFolder, 'vm');
  await mkdir(`${folder}/${work}`, { recursive: true });
  await writeFile(`${folder}/${work}/alive`, '1');
  const record = { format: lockFormat, fence: 1, work, hub: 'other', host: 'far', machine: null, place: 'elsewhere' };
  const more = { process: thisProcess(), run: 'their-run', taken: new Date().toISOString(), silent_after_ms: 300_000 };
  await writeFile(`${folder}/${recordName(1)}`, JSON.stringify({ ...record, ...more }));
}

for (const [what, mode] of [
  ['half-written', 0o600],
  ['sealed', 0o400],
] as const)
  test(
    `a ${what} image of a hub that is gone is put aside, and holds up no removal`,
    { timeout: 300_000 },
    async () => {
      await using repository = await fill(await mergeRepository());
      await begin(repository, begun, 'p03', mode);
      expect(await foreseen(repository, 'p01', 'p02', 'p03')).toEqual([]);
      const { removed, skipped } = await remove(repository, 'p01', 'p02', 'p03');
      expect({ removed: [...removed].toSorted(), skipped }).toEqual({ removed: ['p01', 'p02', 'p03'], skipped: [] });
      expect(await repository.wrong()).toEqual([]);
      expect(await images(repository)).toEqual(['p04.qcow2']);
      const [time = ''] = await readdir(repository.file('.sendense', 'trash'));
      expect(await readdir(repository.file('.sendense', 'trash', time, 'vm', 'disk-0'))).toEqual([`${begun}.qcow2`]);
      expect(await repository.findings()).toEqual([]);
    },
  );

test(
  'while a hub elsewhere has the lock, a dry-run says who, and nothing is put aside',
  { timeout: 300_000 },
  async () => {
    await using repository = await fill(await mergeRepository());
    await begin(repository, begun, 'p03');
    await holdElsewhere(repository);
    expect(await foreseen(repository, 'p03')).toEqual([
      ['p03', `vm/disk-0/${begun}.qcow2 is built on it, and their-run on host far works on the VM`],
    ]);
    expect(await clear(repository)).toEqual([]);
    await expect(remove(repository, 'p03')).rejects.toMatchObject({ code: 'run.locked' });
    expect(await images(repository)).toContain(`${begun}.qcow2`);
  },
);

test(
  'what does not bear our mark is never touched; it stays, and so does what it needs',
  { timeout: 300_000 },
  async () => {
    await using repository = await fill(await mergeRepository());
    await begin(repository, 'mine', 'p03');
    const reason =
      'vm/disk-0/mine.qcow2 is built on it and belongs to no restore point; `sendense-run repo gc --dry-run` says why vm/disk-0/mine.qcow2 stays';
    expect(await foreseen(repository, 'p03')).toEqual([['p03', reason]]);
    expect((await remove(repository, 'p03')).skipped).toEqual([{ backup_id: 'p03', reason, lasting: true }]);
    expect(await clear(repository)).toEqual([]);
    expect(await images(repository)).toContain('mine.qcow2');
  },
);

test('files that a run of this hub claims are left to it', { timeout: 300_000 }, async () => {
  await using repository = await fill(await mergeRepository());
  await begin(repository, begun, 'p03');
  const journal = createJournal(repository.state, () => true);
  journal.startRun(someRun('own-run'));
  const claim = { repository: 'primary', files: [`vm/disk-0/${begun}.qcow2`] };
  journal.record('own-run', 'create', { event: 'started', uses: 'qcow2.create', number: 0, attempt: 1, claim });
  expect(await clear(repository)).toEqual([]);
  expect((await remove(repository, 'p03')).skipped).toMatchObject([{ backup_id: 'p03', lasting: true }]);
  expect(await images(repository)).toContain(`${begun}.qcow2`);
});

test(
  'recover puts aside what was not sealed; a whole image may be half of a copy that goes on',
  { timeout: 300_000 },
  async () => {
    await using repository = await fill(await mergeRepository());
    await begin(repository, begun, null);
    await begin(repository, '20261121T023000Z-0c77df', null, 0o400);
    expect(await clear(repository)).toEqual([`vm/disk-0/${begun}.qcow2`]);
    expect(await images(repository)).toContain('20261121T023000Z-0c77df.qcow2');
    expect(await clear(repository)).toEqual([]);
  },
);
