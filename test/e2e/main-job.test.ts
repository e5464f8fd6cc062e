import { execa } from 'execa';
import { copyFile, cp, readFile, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  backupPlan,
  disksOf,
  incrementalPlan,
  makeRaw,
  restorePlan,
  sameBytes,
  sameContent,
  workspace,
  writeAt,
  type Workspace,
} from './workspace.ts';
import { isLockRecord } from '../steps/step-bench.ts';
import { randomBytes } from '../support/random.ts';

const MiB = 1024 * 1024;

async function pgtest1(work: Workspace): Promise<void> {
  await makeRaw(work.path('disk0.raw'), 9.5 * MiB, [
    [0, 2 * MiB],
    [5 * MiB + 512, 3000],
    [9.5 * MiB - 512, 512],
  ]);
  await makeRaw(work.path('seed.raw'), 24 * MiB, [
    [MiB, 4 * MiB],
    [20 * MiB, 2 * MiB],
  ]);
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', work.path('seed.raw'), work.path('disk1.qcow2')]);
  await work.write('nightly.yaml', backupPlan(['disk0.raw', 'disk1.qcow2']));
  await work.write('incremental.yaml', incrementalPlan(['disk0.raw', 'disk1.qcow2']));
}

/** Writes into a qcow2 as a guest would. */
const guestWrites = (file: string, ...commands: string[]): Promise<unknown> =>
  execa('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), file]);

async function keep(work: Workspace, name: string): Promise<void> {
  await copyFile(work.path('disk0.raw'), work.path(`${name}-0.raw`));
  await execa('qemu-img', ['convert', '-O', 'raw', work.path('disk1.qcow2'), work.path(`${name}-1.raw`)]);
}

async function restored(work: Workspace, point: string, name: string): Promise<void> {
  await work.write(`restore-${name}.yaml`, restorePlan(`./restored-${name}`, `point: ${point}\n`));
  const outcome = await work.run(`restore-${name}.yaml`);
  expect(outcome.finished).toMatchObject({ status: 'succeeded', exit_code: 0, backup_id: point });
  expect(await sameBytes(work.path(`restored-${name}`, 'disk-0.raw'), work.path(`${name}-0.raw`))).toBe(true);
  expect(await sameBytes(work.path(`restored-${name}`, 'disk-1.raw'), work.path(`${name}-1.raw`))).toBe(true);
}

describe('the main job', () => {
  test('a full, two incrementals with zeroed and fragmented changes, and every restore point comes back bit for bit', async () => {
    await using work = await workspace();
    await pgtest1(work);

    await keep(work, 'first');
    const first = await work.run('nightly.yaml');
    expect(first.exitCode).toBe(0);
    expect(disksOf(first).map((disk) => disk.mode)).toEqual(['full', 'full']);
    expect(disksOf(first)[0]).toMatchObject({
      disk: 'disk-0',
      bytes_total: 9.5 * MiB,
      reason: expect.stringContaining('first backup') as string,
    });

    await writeAt(
      work.path('disk0.raw'),
      [0, Buffer.alloc(192 * 1024)],
      [5 * MiB, randomBytes(100)],
      [9.5 * MiB - 1, Buffer.from([7])],
    );
    await guestWrites(work.path('disk1.qcow2'), 'write -P 0 1M 512k', 'write -P 9 3M 3k', 'write -P 5 23M 1M');
    await keep(work, 'second');
    const second = await work.run('nightly.yaml');
    expect(second.finished).toMatchObject({ status: 'succeeded', exit_code: 0 });
    expect(disksOf(second).map((disk) => disk.mode)).toEqual(['incremental', 'incremental']);
    expect(disksOf(second)[0]?.bytes_transferred).toBe(5 * 65536);

    for (let at = 0; at < 40; at++) await writeAt(work.path('disk0.raw'), [at * 200_000, randomBytes(11)]);
    await keep(work, 'third');
    const third = await work.run('incremental.yaml');
    expect(third.finished.exit_code).toBe(0);
    expect(disksOf(third)[1]).toMatchObject({ mode: 'incremental', bytes_transferred: 0 });

    await restored(work, first.finished.backup_id ?? '', 'first');
    await restored(work, second.finished.backup_id ?? '', 'second');
    await restored(work, third.finished.backup_id ?? '', 'third');

    // Without us: qemu-img alone reads the newest file through its relative chain.
    const path = disksOf(third)[0]?.path ?? '';
    expect(await sameContent(path, work.path('disk0.raw'))).toBe(true);
    const info = JSON.parse((await execa('qemu-img', ['info', '--output=json', path])).stdout) as Record<
      string,
      string
    >;
    expect(info['backing-filename']).toBe(`${second.finished.backup_id}.qcow2`);
  });

  test('a repository that was moved is used on, and its copy is read without its database', async () => {
    await using work = await workspace();
    await pgtest1(work);
    const first = await work.run('nightly.yaml');
    await cp(work.path('repository'), work.path('elsewhere'), { recursive: true });
    await rm(work.path('repository'), { recursive: true, force: true });
    await work.write('sendense.yaml', 'version: 1\nrepositories: { primary: { path: ./elsewhere } }\n');
    await writeAt(work.path('disk0.raw'), [4 * MiB, randomBytes(10)]);
    const second = await work.run('incremental.yaml');
    expect(second.finished.exit_code).toBe(0);
    expect(await sameContent(disksOf(second)[0]?.path ?? '', work.path('disk0.raw'))).toBe(true);

    await rm(work.path('state'), { recursive: true });
    const imported = await work.call(['repo', 'import', 'primary', '--json']);
    expect(imported.exitCode).toBe(0);
    expect((JSON.parse(imported.stdout) as { imported: string[] }).imported).toEqual([
      first.finished.backup_id,
      second.finished.backup_id,
    ]);
    const third = await work.run('incremental.yaml');
    expect(disksOf(third).map((disk) => disk.mode)).toEqual(['incremental', 'incremental']);
  });

  test(
    'disks of 1 MiB, with a tail of 512 bytes, and sparse ones of 2 TiB are backed up and restored',
    { timeout: 300_000 },
    async () => {
      await using work = await workspace();
      await makeRaw(work.path('small.raw'), MiB, [[3, 5]]);
      await makeRaw(work.path('tail.raw'), MiB + 512, [[MiB, 512]]);
      await makeRaw(work.path('huge.raw'), 2 * 1024 * 1024 * MiB, [
        [7 * MiB, 100],
        [1024 * 1024 * MiB + 4096, 70_000],
        [2 * 1024 * 1024 * MiB - 512, 512],
      ]);
      await work.write('plan.yaml', backupPlan(['small.raw', 'tail.raw', 'huge.raw']));
      const first = await work.run('plan.yaml');
      expect(first.finished).toMatchObject({ status: 'succeeded', exit_code: 0 });
      await writeAt(work.path('huge.raw'), [1024 * 1024 * MiB + 4096, Buffer.alloc(70_000)], [9 * MiB, randomBytes(1)]);
      await writeAt(work.path('tail.raw'), [MiB + 511, Buffer.from([1])]);
      const second = await work.run('plan.yaml');
      expect(disksOf(second).map((disk) => [disk.mode, disk.bytes_transferred > 0])).toEqual([
        ['incremental', false],
        ['incremental', true],
        ['incremental', true],
      ]);
      expect((await stat(disksOf(second)[2]?.path ?? '')).size).toBeLessThan(4 * MiB);
      await work.write('restore.yaml', restorePlan('./out'));
      expect((await work.run('restore.yaml')).finished.exit_code).toBe(0);
      expect(
        await sameBytes(work.path('out', 'small.raw').replace('small.raw', 'disk-0.raw'), work.path('small.raw')),
      ).toBe(true);
      expect(await sameBytes(work.path('out', 'disk-1.raw'), work.path('tail.raw'))).toBe(true);
      expect(await sameContent(work.path('out', 'disk-2.raw'), work.path('huge.raw'))).toBe(true);
    },
  );

  test('grown, added, removed and swapped disks are noticed, and each keeps a chain of its own', async () => {
    await using work = await workspace();
    for (const name of ['a', 'b', 'c']) await makeRaw(work.path(`${name}.raw`), 2 * MiB, [[0, MiB]]);
    await work.write('plan.yaml', backupPlan(['a.raw', 'b.raw']));
    await work.run('plan.yaml');

    await work.write('plan.yaml', backupPlan(['b.raw', 'a.raw']));
    const swapped = await work.run('plan.yaml');
    expect(disksOf(swapped).map((disk) => [disk.disk, disk.mode, disk.bytes_transferred])).toEqual([
      ['disk-0', 'incremental', 0],
      ['disk-1', 'incremental', 0],
    ]);
    expect(await sameContent(disksOf(swapped)[0]?.path ?? '', work.path('a.raw'))).toBe(true);

    // The contents exchanged under their names: found by digest, whatever the names say.
    await rename(work.path('a.raw'), work.path('t.raw'));
    await rename(work.path('b.raw'), work.path('a.raw'));
    await rename(work.path('t.raw'), work.path('b.raw'));
    const exchanged = await work.run('plan.yaml');
    expect(await sameContent(disksOf(exchanged)[0]?.path ?? '', work.path('a.raw'))).toBe(true);
    expect(await sameContent(disksOf(exchanged)[1]?.path ?? '', work.path('b.raw'))).toBe(true);

    await truncate(work.path('a.raw'), 3 * MiB);
    await work.write('plan.yaml', backupPlan(['a.raw', 'b.raw', 'c.raw']));
    const grown = await work.run('plan.yaml');
    expect(grown.finished.exit_code).toBe(0);
    expect(disksOf(grown).map((disk) => disk.mode)).toEqual(['full', 'incremental', 'full']);
    expect(disksOf(grown)[0]?.reason).toContain('capacity changed');
    expect(disksOf(grown)[2]?.reason).toContain('not in the last restore point');

    await work.write('plan.yaml', backupPlan(['a.raw', 'c.raw']));
    const removed = await work.run('plan.yaml');
    expect(removed.finished.exit_code).toBe(3);
    expect(removed.finished.warnings.join()).toContain('no longer part of the VM');
    expect(disksOf(removed).map((disk) => disk.disk)).toEqual(['disk-0', 'disk-2']);

    await work.write('restore.yaml', restorePlan('./out', 'disks: [2]\n'));
    expect((await work.run('restore.yaml')).finished.exit_code).toBe(0);
    expect(await readdir(work.path('out'))).toEqual(['disk-2.raw']);
    expect(await sameBytes(work.path('out', 'disk-2.raw'), work.path('c.raw'))).toBe(true);
  });

  test('kind incremental refuses where there is nothing to build on, unless onNoParent says full', async () => {
    await using work = await workspace();
    await pgtest1(work);
    const refused = await work.run('incremental.yaml');
    expect(refused.finished).toMatchObject({ status: 'failed', exit_code: 1, error: { code: 'chain.no-parent' } });
    expect((await readdir(work.path('repository'))).toSorted()).toEqual(['.sendense', 'sendense-repository.json']);
    await work.write('lenient.yaml', incrementalPlan(['disk0.raw', 'disk1.qcow2'], 'onNoParent: full\n'));
    expect((await work.run('lenient.yaml')).finished.exit_code).toBe(0);
    const forced = await work.run('nightly.yaml', '--mode', 'full');
    expect(disksOf(forced).map((disk) => disk.reason)).toEqual([
      'the plan asks for a full backup',
      'the plan asks for a full backup',
    ]);
  });

  test('a list of changed areas is used where it fits the parent, and the disk is read where it does not', async () => {
    await using work = await workspace();
    await makeRaw(work.path('a.raw'), 8 * MiB, [[0, 8 * MiB]]);
    const areas = (changeId: string, since: string | null, list: readonly object[]): Promise<void> =>
      work.write(
        'changes.json',
        JSON.stringify({ version: 1, capacity_bytes: 8 * MiB, change_id: changeId, since, areas: list }),
      );
    await work.write('plan.yaml', backupPlan(['a.raw\n        changes: changes.json']));
    await areas('t1', null, []);
    const first = await work.run('plan.yaml');
    expect(first.finished).toMatchObject({ status: 'succeeded', error: null });
    expect(disksOf(first)[0]).toMatchObject({ mode: 'full', change_id: 't1' });

    await writeAt(work.path('a.raw'), [MiB, Buffer.alloc(1000)], [6 * MiB + 5, randomBytes(9)]);
    await areas('t2', 't1', [
      { offset: MiB, length: 1024 },
      { offset: 6 * MiB, length: 512 },
    ]);
    const second = await work.run('plan.yaml');
    expect(disksOf(second)[0]).toMatchObject({ mode: 'incremental', change_id: 't2', bytes_transferred: 2 * 65536 });
    expect(await sameContent(disksOf(second)[0]?.path ?? '', work.path('a.raw'))).toBe(true);

    await writeAt(work.path('a.raw'), [3 * MiB, randomBytes(1000)]);
    await areas('t9', 't8', []);
    const third = await work.run('plan.yaml');
    expect(disksOf(third)[0]).toMatchObject({
      mode: 'incremental',
      change_id: 't9',
      reason: expect.stringContaining('t8') as string,
    });
    expect(await sameContent(disksOf(third)[0]?.path ?? '', work.path('a.raw'))).toBe(true);
  });

  test(
    'changes that cover holes do not count as data: not as needed, and not as sent',
    { timeout: 300_000 },
    async () => {
      await using work = await workspace({
        settings:
          'version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository, quota: 64MiB }\n',
      });
      const size = 2 ** 31;
      await makeRaw(work.path('a.raw'), size, [[0, MiB]]);
      const changes = (changeId: string, since: string | null, areas: readonly object[]): Promise<void> =>
        work.write(
          'changes.json',
          JSON.stringify({ version: 1, capacity_bytes: size, change_id: changeId, since, areas }),
        );
      await work.write('plan.yaml', backupPlan(['a.raw\n        changes: changes.json']));
      await changes('t1', null, []);
      expect((await work.run('plan.yaml')).finished).toMatchObject({ status: 'succeeded', error: null });
      await writeAt(work.path('a.raw'), [MiB - 5, Buffer.from('changed')]);
      await changes('t2', 't1', [{ offset: 0, length: size }]);
      const second = await work.run('plan.yaml');
      expect(second.finished).toMatchObject({ status: 'succeeded', error: null });
      const [disk] = disksOf(second);
      expect(disk).toMatchObject({ mode: 'incremental', bytes_transferred: size, bytes_read: MiB + 65_536 });
      expect(disk?.bytes_sent).toBe(MiB + 65_536);
      expect(disk?.bytes_stored).toBeLessThan(8 * MiB);
    },
  );

  test('restores as flat and thin qcow2, both kinds of vmdk and vhdx, and never over an existing file', async () => {
    await using work = await workspace();
    await pgtest1(work);
    await work.run('nightly.yaml');
    const before = await listing(work);
    for (const [name, ...args] of [
      ['flat', '--format', 'qcow2'],
      ['thin', '--format', 'qcow2', '--thin'],
      ['sparse', '--format', 'vmdk'],
      ['stream', '--format', 'vmdk-stream'],
      ['vhdx', '--format', 'vhdx'],
      ['raw', '--format', 'raw'],
    ] as const) {
      const done = await work.call(['restore', 'pgtest1', '--repository', 'primary', '--to', name, ...args]);
      expect(done, done.stderr).toMatchObject({ exitCode: 0 });
      const extension = args[1] === 'vmdk-stream' ? 'vmdk' : args[1];
      expect(await sameContent(work.path(name, `disk-0.${extension}`), work.path('disk0.raw'))).toBe(true);
      expect(await sameContent(work.path(name, `disk-1.${extension}`), work.path('disk1.qcow2'))).toBe(true);
    }
    const again = await work.call(['restore', 'pgtest1', '--repository', 'primary', '--to', 'raw']);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('exists already');
    expect(await sameBytes(work.path('raw', 'disk-0.raw'), work.path('disk0.raw'))).toBe(true);
    const inside = await work.call(['restore', 'pgtest1', '--repository', 'primary', '--to', 'repository/pgtest1']);
    expect(inside.exitCode).toBe(1);
    expect(await listing(work)).toEqual(before);
  });
});

const listing = async (work: Workspace): Promise<string[]> => {
  const names = await readdir(work.path('repository'), { recursive: true });
  const files = names.filter((name) => !isLockRecord(name)).toSorted();
  const sizes = await Promise.all(
    files.map(async (name) => `${name} ${(await stat(work.path('repository', name))).mtimeMs}`),
  );
  return [...sizes, String((await readFile(work.path('repository', 'sendense-repository.json'))).length)];
};
