import { chmod, chown, copyFile, open, readdir, rename, rm, symlink, truncate, utimes, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guestBlocksOf } from '../../../src/repository/envelope.ts';
import { readMarks } from '../../../src/repository/marks.ts';
import type { ChainDecideOutput, PointSelectOutput, PointsVerifyOutput } from '../../../src/schemas/types.ts';
import { marksOf, verificationsOf } from '../../../src/state/points/point-marks.ts';
import { deletePoint } from '../../../src/state/points/restore-points.ts';
import { chainDecide } from '../../../src/steps/chain/chain-decide.ts';
import { pointSelect } from '../../../src/steps/points/point-select.ts';
import { pointsJudge } from '../../../src/steps/points/points-judge.ts';
import { pointsVerify } from '../../../src/steps/points/points-verify.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../backup-run.ts';
import { servers, stepBench, type StepBench } from '../step-bench.ts';

type Backup = Awaited<ReturnType<typeof backup>>;

const mark = { repository: 'primary', context: 'pgtest1' };

/** Three restore points of one disk, one built on the other. Nobody changes it. */
let template: { readonly bench: StepBench; readonly made: Backup[] };

beforeAll(async () => {
  const bench = await stepBench();
  const raw = bench.folder.file('a.raw');
  await makeRaw(raw, 2 * MiB, [0, MiB]);
  const made: Backup[] = [];
  for (const number of [1, 2, 3]) {
    if (number > 1) await writeInto(raw, [number * 65_536, Buffer.alloc(65_536, number)]);
    made.push(await backup(bench, { run: `run-00000${number}`, disks: ['a.raw'] }));
  }
  template = { bench, made };
});
afterAll(() => template.bench[Symbol.asyncDispose]());

/** A copy of the three. */
async function chainOfThree(): Promise<{
  bench: StepBench;
  made: Backup[];
  ids: string[];
  path(number: number): string;
}> {
  const bench = await stepBench({}, template.bench.folder.path);
  const here = JSON.stringify(template.made).replaceAll(template.bench.folder.path, bench.folder.path);
  const made = JSON.parse(here) as Backup[];
  return {
    bench,
    made,
    ids: made.map(({ backup_id: id }) => id),
    path: (number) => made[number]?.disks[0]?.path ?? '',
  };
}

const verify = (bench: StepBench, input: object = {}, run = 'run-verify') =>
  bench.run<PointsVerifyOutput>(pointsVerify, { repository: 'primary', ...input }, { run });

/** Changes one bit of what the file holds of the guest, as a disk that forgets; its time stays. */
async function rot(path: string): Promise<void> {
  const { mtimeNs } = await stat(path, { bigint: true });
  const at = (await guestBlocksOf(path)).extents[0]?.host ?? 0;
  await chmod(path, 0o644);
  {
    await using handle = await open(path, 'r+');
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 4;
    await handle.write(byte, 0, 1, at);
  }
  await chmod(path, 0o444);
  const nanoseconds = String(mtimeNs % 1_000_000_000n).padStart(9, '0');
  await execa('touch', ['-m', '-d', `@${mtimeNs / 1_000_000_000n}.${nanoseconds}`, path]);
}

const run = (event: Promise<{ output: PointsVerifyOutput }>): Promise<PointsVerifyOutput> =>
  event.then(({ output }) => output);

describe('points.verify', () => {
  test('finds sound points sound at every level, and records it at once', async () => {
    const { bench, ids } = await chainOfThree();
    await using _bench = bench;
    for (const level of ['quick', 'digests', 'deep']) {
      const output = await run(verify(bench, { level, points: 'all' }));
      expect(output).toMatchObject({ verified: 3, broken: [], problems: [] });
      expect(output.bytes_read > 0).toBe(level !== 'quick');
    }
    const found = verificationsOf(bench.state, { repository: 'primary' });
    expect([...found.keys()].toSorted()).toEqual(ids.map((id) => `pgtest1/${id}`));
    expect(found.get(`pgtest1/${ids[2]}`)?.map(({ level, ok }) => `${level} ${ok}`)).toEqual([
      'deep true',
      'digests true',
      'quick true',
    ]);
    expect(servers(bench.folder.path)).toEqual([]);
  });

  test.each([
    ['is a link', true],
    ['belongs to another user', false],
  ])(
    'where the folder of the VM %s, no mark is written there; this hub knows it all the same',
    async (_what, linked) => {
      if (process.geteuid?.() !== 0) return;
      const { bench, ids, path } = await chainOfThree();
      await using _bench = bench;
      await rot(path(0));
      const folder = bench.folder.file('repository', 'pgtest1');
      const moved = bench.folder.file('moved');
      if (linked) {
        await rename(folder, moved);
        await symlink(moved, folder);
      } else await chown(folder, 65_534, 65_534);
      const output = await run(verify(bench, { level: 'digests', points: 'all' }));
      expect(output.broken).toContain(ids[0]);
      expect((await readdir(folder)).filter((name) => name.endsWith('.marks'))).toEqual([]);
      expect(marksOf(bench.state, mark).get(`pgtest1/${ids[0]}`)?.broken).not.toBeNull();
    },
  );

  test.each(['digests', 'deep'])(
    '%s: marks the broken one, names what is built on it, nothing rests on it',
    async (level) => {
      const { bench, ids, path, made } = await chainOfThree();
      await using _bench = bench;
      const copy = bench.folder.file('copy.qcow2');
      await copyFile(path(1), copy);
      const { atime, mtime } = await stat(path(1));
      await rot(path(1));

      expect((await run(verify(bench, { level: 'quick', points: 'all' }))).problems).toEqual([]);
      await using ran = await verify(bench, { level, points: 'all' });
      const { output } = ran;
      expect(output.broken).toEqual([ids[1]]);
      expect(output.results.map(({ backup_id: id, ok, rests_on: on }) => [id, ok, on])).toEqual([
        [ids[0], true, null],
        [ids[1], false, null],
        [ids[2], false, ids[1]],
      ]);
      expect(output.results[1]?.dependents).toEqual([ids[2]]);
      await expect(bench.run(pointsJudge, { problems: output.problems })).rejects.toMatchObject({
        code: 'verify.failed',
      });

      const root = bench.services.repositoryPath('primary');
      const marks = await readMarks(root, 'pgtest1', ids[1] ?? '');
      expect(marks?.broken).toMatchObject({ disks: [0], run_id: 'run-verify' });
      expect(marksOf(bench.state, mark).get(`pgtest1/${ids[1]}`)).toEqual(marks);
      expect(await readMarks(root, 'pgtest1', ids[2] ?? '')).toBeNull();
      const notices = bench.state.all(
        bench.state.query.selectFrom('notices').select('message').where('event', '=', 'verification-failure'),
      );
      expect(notices[0]?.message).toContain(`built on it: ${ids[2]}`);

      await using decided = await bench.run<ChainDecideOutput>(
        chainDecide,
        { repository: 'primary', vm: { name: 'pgtest1' }, disks: made[2]?.parts.inspected.disks },
        { run: 'run-next' },
      );
      expect(decided.output.disks[0]).toMatchObject({ mode: 'full', parent: null });
      expect(decided.output.disks[0]?.reason).toContain(`restore point ${ids[1]} is broken`);

      await using selected = await bench.run<PointSelectOutput>(pointSelect, {
        repository: 'primary',
        vm: { name: 'pgtest1' },
        point: 'latest',
      });
      expect(selected.output.backup_id).toBe(ids[0]);
      expect(selected.warnings).toEqual([expect.stringContaining(`${ids[2]} was skipped`)]);
      await using named = await bench.run<PointSelectOutput>(pointSelect, {
        repository: 'primary',
        vm: { name: 'pgtest1' },
        point: ids[2],
      });
      expect(named.output.backup_id).toBe(ids[2]);
      expect(named.warnings).toEqual([expect.stringContaining(`${ids[1]} is broken`)]);

      // Quick sees nothing, so it takes no mark away; from a copy the file is sound again.
      expect((await run(verify(bench, { level: 'quick', points: 'all' }))).broken).toEqual([ids[1]]);
      await rm(path(1));
      await copyFile(copy, path(1));
      await utimes(path(1), atime, mtime);
      const again = await run(verify(bench, { level, points: 'all' }));
      expect(again).toMatchObject({ broken: [], problems: [] });
      expect(marksOf(bench.state, mark).size).toBe(0);
      // Nothing is left to say, so nothing is said.
      expect((await readMarks(root, 'pgtest1', ids[1] ?? ''))?.broken ?? null).toBeNull();
    },
  );

  test('deep finds in whose file the fault is, though only the newest is asked for', async () => {
    const { bench, ids, path } = await chainOfThree();
    await using _bench = bench;
    await rot(path(0));
    const output = await run(verify(bench, { level: 'deep' }));
    expect(output.results.map(({ backup_id: id, broken, rests_on: on }) => [id, broken, on])).toEqual([
      [ids[2], false, ids[0]],
    ]);
    expect([...marksOf(bench.state, mark).keys()]).toEqual([`pgtest1/${ids[0]}`]);
  });

  test.each(['quick', 'digests', 'deep'])(
    '%s: a point is sound only if its whole chain is, though only the newest is asked for',
    async (level) => {
      const { bench, ids, path } = await chainOfThree();
      await using _bench = bench;
      await chmod(path(0), 0o644);
      await truncate(path(0), (await stat(path(0))).size - 65_536);
      const output = await run(verify(bench, { level }));
      expect(output.verified).toBe(1);
      expect(output.broken).toEqual([ids[0]]);
      expect(output.results.map(({ backup_id: id, ok, rests_on: on }) => [id, ok, on])).toEqual([
        [ids[2], false, ids[0]],
        [ids[0], false, null],
        [ids[1], false, ids[0]],
      ]);
      expect(output.problems[0]).toContain(`depends on ${ids[0]}, which is broken`);
      expect([...marksOf(bench.state, mark).keys()]).toEqual([`pgtest1/${ids[0]}`]);
    },
  );

  test('files that were not read for longer than the settings allow are read again, whatever is asked for', async () => {
    const { bench, ids, path } = await chainOfThree();
    await using _bench = bench;
    const aged = (days: number): number =>
      bench.state.run(
        bench.state.query.updateTable('backups').set(({ eb }) => ({ created: eb('created', '-', days * 86_400_000) })),
      );
    const verified = async (input: object): Promise<(string | undefined)[]> =>
      (await run(verify(bench, input))).results.map(({ backup_id: id, level }) => `${level} ${id}`);
    expect(await verified({ level: 'digests' })).toEqual([`digests ${ids[2]}`]);
    aged(31);
    await rot(path(0));
    // Structure alone is no reading.
    expect(await verified({ level: 'quick' })).toEqual([`quick ${ids[2]}`]);
    expect(await verified({ point: ids[2] })).toEqual([`digests ${ids[2]}`]);
    // The last run was a moment ago: one at a time is enough.
    expect(await run(verify(bench, { level: 'deep', vms: ['pg*'] }))).toMatchObject({
      verified: 1,
      reread: 1,
      broken: [ids[0]],
    });
    expect(await verified({})).toEqual([`digests ${ids[2]}`, `digests ${ids[1]}`, `quick ${ids[0]}`]);
    expect(await run(verify(bench))).toMatchObject({ verified: 1, reread: 0 });
  });

  test('a damaged manifest breaks the point as a whole', async () => {
    const { bench, ids, made } = await chainOfThree();
    await using _bench = bench;
    const manifest = made[0]?.manifest ?? '';
    await chmod(manifest, 0o644);
    await writeInto(manifest, [40, Buffer.from('#')]);
    const output = await run(verify(bench, { level: 'quick', points: 'all' }));
    expect(output.broken).toEqual([ids[0]]);
    expect(marksOf(bench.state, mark).get(`pgtest1/${ids[0]}`)?.broken?.disks).toEqual([]);
  });

  test('what is removed while it runs is passed over', async () => {
    const { bench, ids } = await chainOfThree();
    await using _bench = bench;
    const original = bench.services.state;
    let first = true;
    const state = new Proxy(original, {
      get(target, name) {
        // The newest goes once the list has been made.
        if (name === 'transaction' && first) {
          first = false;
          deletePoint(original, { ...mark, backupId: ids[2] ?? '' });
        }
        return Reflect.get(target, name) as unknown;
      },
    });
    await using ran = await bench.run<PointsVerifyOutput>(
      pointsVerify,
      { repository: 'primary', points: 'all', level: 'quick' },
      { run: 'run-verify', services: { state } },
    );
    expect(ran.output.verified).toBe(2);
    expect(ran.logs).toContain(`pgtest1 ${ids[2]} was removed meanwhile`);
    expect(ran.output.problems).toEqual([]);
  });

  test('a share goes round, and a cancelled run is gone on with by the next', async () => {
    const { bench, ids } = await chainOfThree();
    await using _bench = bench;
    const seen: (string | undefined)[] = [];
    for (const name of ['a', 'b', 'c']) {
      const { results } = await run(verify(bench, { level: 'quick', points: { share: '30%' } }, `run-${name}`));
      seen.push(...results.map(({ backup_id: id }) => id));
    }
    expect(seen).toEqual(ids);
    expect((await run(verify(bench, { level: 'quick', points: { notVerifiedFor: '1d' } }))).verified).toBe(0);
    expect(
      (await run(verify(bench, { level: 'digests', points: { notVerifiedFor: '1d' }, rate: '64MiB' }))).verified,
    ).toBe(3);

    const stop = new AbortController();
    const record = bench.services.state;
    let recorded = 0;
    const state = new Proxy(record, {
      get(target, name) {
        if (name !== 'run') return Reflect.get(target, name) as unknown;
        return (query: Parameters<typeof record.run>[0]) => {
          if (query.compile().sql.includes('"verifications"') && ++recorded === 1) stop.abort(new Error('cancelled'));
          return target.run(query);
        };
      },
    });
    const cancelled = bench.run(
      pointsVerify,
      { repository: 'primary', level: 'deep', points: 'all' },
      {
        run: 'run-cut',
        signal: stop.signal,
        services: { state },
      },
    );
    await expect(cancelled).rejects.toThrow('cancelled');
    const rest = await run(verify(bench, { level: 'deep', points: { notVerifiedFor: '1d' } }));
    expect(rest.results.map(({ backup_id: id }) => id)).toEqual([ids[1], ids[2]]);
    expect(servers(bench.folder.path)).toEqual([]);
  });
});
