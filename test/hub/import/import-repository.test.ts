import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { isRunning, thisProcess } from '../../../src/host/programs/process-identity.ts';
import { importRepository } from '../../../src/hub/import/import-repository.ts';
import type { ImportOutput, Manifest } from '../../../src/schemas/types.ts';
import { acquireLock, releaseLocks } from '../../../src/state/runs/locks.ts';
import { claimMerges, releaseMerges } from '../../../src/state/points/merges.ts';
import { openState, type State } from '../../../src/state/database/open-state.ts';
import { marksKey, marksOf } from '../../../src/state/points/point-marks.ts';
import { unpublishPoints } from '../../../src/state/points/removed-points.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { writeMarks } from '../../repository/fixture-files.ts';
import { addRuns } from '../../state/temporary-state.ts';
import { dropTemplate, filledRepository, smallRepository, type SmallRepository } from '../small-repository.ts';

afterAll(dropTemplate);

/** An import into a database of its own. */
async function imported(
  repository: SmallRepository,
  into?: State,
): Promise<{ output: ImportOutput; state: State } & Disposable> {
  const state = into ?? openState(repository.file('..', `fresh-${randomUUID()}.db`));
  const output = await importRepository({ state, repository: 'primary', root: repository.root });
  return { output, state, [Symbol.dispose]: () => state.close() };
}

const refusals = (output: ImportOutput): string[] => output.refused.map(({ path, message }) => `${path}: ${message}`);

describe('import', () => {
  test('rebuilds a lost database from the manifests alone', async () => {
    await using repository = await filledRepository();
    using fresh = await imported(repository);
    expect(fresh.output).toEqual({
      version: 1,
      repository: 'primary',
      imported: ['c1', 'b1', 'b2', 'b3', 'b4'],
      present: 0,
      refused: [],
      forgotten: [],
    });
    expect(points(fresh.state)).toEqual(points(repository.state));
  });

  test('doing it again changes nothing', async () => {
    await using repository = await filledRepository();
    using first = await imported(repository);
    const again = await imported(repository, first.state);
    expect(again.output).toMatchObject({ imported: [], present: 5, refused: [] });
  });

  test('takes a manifest that was replaced in the place of the old one', async () => {
    await using repository = await filledRepository();
    using first = await imported(repository);
    await repository.replaceManifest('b4', (manifest) => ({ ...manifest, warnings: ['looked at'] }));
    const again = await imported(repository, first.state);
    expect(again.output).toMatchObject({ imported: ['b4'], present: 4 });
    expect(points(first.state, { backupId: 'b4' })[0]?.warnings).toEqual(['looked at']);
  });

  test('a mark of a damage counts as long as it is about the files that are there', async () => {
    await using repository = await filledRepository();
    const broken = (manifest: string) => ({
      since: 1,
      disks: [],
      reason: 'disk-0 was damaged',
      run_id: null,
      judged: { manifest, disks: [] },
    });
    const other = `sha256:${'0'.repeat(64)}`;
    const { checksum = '' } = JSON.parse(await readFile(repository.file('vm', 'b1.json'), 'utf8')) as Manifest;
    await writeMarks(repository.root, 'vm', 'b1', { broken: broken(checksum) });
    await writeMarks(repository.root, 'vm', 'b4', { broken: broken(other) });
    using fresh = await imported(repository);
    const marks = marksOf(fresh.state, { repository: 'primary' });
    expect(marks.get(marksKey('vm', 'b1'))?.broken).toMatchObject({ reason: 'disk-0 was damaged' });
    expect(marks.get(marksKey('vm', 'b4'))?.broken ?? null).toBeNull();
  });

  test.each([
    [
      'a missing image',
      (file: SmallRepository['file']) => rm(file('vm/disk-1/b1.qcow2')),
      /vm\/b1\.json: vm\/disk-1\/b1\.qcow2 is missing/,
    ],
    [
      'a cut image',
      (file: SmallRepository['file']) => truncate(file('vm/disk-0/b1.qcow2'), 5),
      /vm\/b1\.json: vm\/disk-0\/b1\.qcow2 has 5 bytes, [0-9]+ were committed/,
    ],
    [
      'a missing block index',
      (file: SmallRepository['file']) => rm(file('vm/disk-0/b1.index')),
      /vm\/b1\.json: vm\/disk-0\/b1\.index is missing/,
    ],
    [
      'a damaged manifest',
      (file: SmallRepository['file']) =>
        rm(file('vm/b1.json')).then(() => writeFile(file('vm/b1.json'), '{ "format": "sendense-restore-point/1" }')),
      /vm\/b1\.json: .*must have required/,
    ],
    [
      'an image whose data are in another file',
      async (file: SmallRepository['file']) => {
        const image = await open(file('vm/disk-0/b1.qcow2'), 'r+');
        await image.write(Buffer.from([0, 0, 0, 0, 0, 0, 0, 4]), 0, 8, 72);
        await image.close();
      },
      /vm\/b1\.json: vm\/disk-0\/b1\.qcow2 has its data in another file/,
    ],
  ])('refuses %s with what is built on it, and takes the rest', async (_name, damage, reason) => {
    await using repository = await filledRepository();
    await damage(repository.file);
    using fresh = await imported(repository);
    expect(fresh.output.imported).toEqual(['c1', 'b4']);
    expect(refusals(fresh.output)[0]).toMatch(reason);
    expect(refusals(fresh.output).slice(1)).toEqual([
      'vm/b2.json: disk-0 is built on b1, which is not there or was refused',
      'vm/b3.json: disk-0 is built on b2, which is not there or was refused',
    ]);
  });

  test('refuses what is built on a manifest that is not there', async () => {
    await using repository = await filledRepository();
    await rm(repository.file('vm/b2.json'));
    using fresh = await imported(repository);
    expect(fresh.output.imported).toEqual(['c1', 'b1', 'b4']);
    expect(refusals(fresh.output)).toEqual(['vm/b3.json: disk-0 is built on b2, which is not there or was refused']);
  });

  test('refuses a manifest under another name or in the folder of another VM', async () => {
    await using repository = await filledRepository();
    await copyFile(repository.file('vm/b4.json'), repository.file('vm/b9.json'));
    await copyFile(repository.file('vm/b4.json'), repository.file('other-vm/b4.json'));
    using fresh = await imported(repository);
    expect(refusals(fresh.output)).toEqual([
      'other-vm/b4.json: it is the manifest of vm/b4',
      'vm/b9.json: it is the manifest of vm/b4',
    ]);
    expect(fresh.output.imported).toHaveLength(5);
  });

  test('refuses disks whose numbers contradict each other', async () => {
    await using repository = await filledRepository();
    await repository.replaceManifest('b4', (manifest) => ({
      ...manifest,
      disks: manifest.disks.map((disk) => ({ ...disk, uuid: `uuid-${1 - disk.number}` })) as typeof manifest.disks,
    }));
    using fresh = await imported(repository);
    expect(fresh.output.imported).toEqual(['c1', 'b1', 'b2', 'b3']);
    expect(refusals(fresh.output)[0]).toMatch(/^vm\/b4\.json: .*cannot be disk-/);
  });

  test('a clock that went back is no reason to refuse', async () => {
    await using repository = await smallRepository();
    await repository.add({ id: 'b1', created: '2026-11-05T00:00:00.000Z', writes: [['write -P 1 0 64k']] });
    await repository.add({
      id: 'b2',
      parent: 'b1',
      created: '2026-11-01T00:00:00.000Z',
      writes: [['write -P 2 0 64k']],
    });
    using fresh = await imported(repository);
    expect(fresh.output).toMatchObject({ imported: ['b1', 'b2'], refused: [] });
  });

  test('is not confused by foreign files and folders', async () => {
    await using repository = await filledRepository();
    await mkdir(repository.file('lost+found'));
    await mkdir(repository.file('empty'));
    await writeFile(repository.file('notes.json'), 'x');
    using fresh = await imported(repository);
    expect(fresh.output).toMatchObject({ refused: [] });
    expect(fresh.output.imported).toHaveLength(5);
  });

  /** Between reading the manifests of `vm`, the second folder, and entering the first of them. */
  const meanwhile = (act: () => void): AbortSignal => {
    const { signal } = new AbortController();
    let calls = 0;
    signal.throwIfAborted = () => {
      if (++calls === 2) act();
    };
    return signal;
  };

  test('a restore point that is removed meanwhile is not entered again', async () => {
    await using repository = await filledRepository();
    const signal = meanwhile(() => rmSync(repository.file('vm/b4.json')));
    using state = openState(repository.file('..', 'fresh.db'));
    const output = await importRepository({ state, repository: 'primary', root: repository.root, signal });
    expect(output.imported).toEqual(['c1', 'b1', 'b2', 'b3']);
    expect(refusals(output)).toEqual(['vm/b4.json: it was removed or changed while it was imported']);
    expect(points(state).map(({ backup_id: id }) => id)).not.toContain('b4');
  });

  test('nothing of a VM is entered between the moment a removal forgets it and its manifest going', async () => {
    await using repository = await filledRepository();
    using state = openState(repository.file('..', 'fresh.db'));
    const vm = { repository: 'primary', context: 'vm' };
    const signal = meanwhile(() => {
      expect(claimMerges(state, vm, thisProcess(), isRunning)).toBeNull();
      const what = { removed: ['b4'], affected: new Set(['b4']), child: null };
      expect(unpublishPoints(state, vm, what, Date.now())).toBeNull();
    });
    const output = await importRepository({ state, repository: 'primary', root: repository.root, signal });
    expect(refusals(output)).toContain(
      'vm/b4.json: restore points of its VM are being removed at this moment; import again after that',
    );
    releaseMerges(state, vm, true);
    await rm(repository.file('vm/b4.json'));
    expect(points(state).map(({ backup_id: id }) => id)).not.toContain('b4');
    const again = await importRepository({ state, repository: 'primary', root: repository.root });
    expect(again.refused).toEqual([]);
    expect(points(state)).toHaveLength(4);
  });

  test('what is not known of a VM that a run works on is left to it', async () => {
    await using repository = await filledRepository();
    using state = openState(repository.file('..', 'fresh.db'));
    addRuns(state, 'move-1');
    const { pid, start_time, boot_id } = thisProcess();
    const owner = { owner_pid: pid, owner_start_time: start_time, owner_boot_id: boot_id };
    state.run(state.query.updateTable('runs').set(owner).where('id', '=', 'move-1'));
    acquireLock(state, 'primary/vm', 'move-1', isRunning);
    const output = await importRepository({ state, repository: 'primary', root: repository.root });
    expect(output.imported).toEqual(['c1']);
    expect(refusals(output)[0]).toBe('vm/b1.json: run move-1 works on its VM; import again after that');
    releaseLocks(state, 'move-1');
    expect((await importRepository({ state, repository: 'primary', root: repository.root })).refused).toEqual([]);
  });
});
