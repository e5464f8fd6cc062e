import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { stat as stateOf } from '../support/process-state.ts';
import { testProgram } from '../programs.ts';
import { printedRandom } from '../support/random.ts';
import { rounds } from '../support/rounds.ts';
import { apart, begin, callOf, twoHubs, type Call, type TwoHubs } from './two-hubs.ts';
import { backupPlan, disksOf } from './workspace.ts';

let hubs: TwoHubs;

beforeAll(async () => {
  hubs = await twoHubs();
  const { a, b } = hubs;
  for (let night = 0; night < 3; night++) {
    await hubs.change();
    const run = await a.run('plan.yaml');
    if (run.finished.status !== 'succeeded') throw new Error(run.stderr);
    await hubs.keepCopies();
  }
  // So that it has a repository `second`, and knows what A made.
  const imported = await b.call(['repo', 'import', 'primary']);
  if (imported.exitCode !== 0) throw new Error(imported.stderr);
  const keep = `version: 1\nkind: prune\nname: pgtest1-prune\nrepository: primary\nvms: [pgtest1]\nretention: { last: 1 }\n`;
  for (const hub of [a, b]) await hub.write('prune.yaml', keep);
  await hubs.save();
}, 300_000);
afterAll(() => hubs[Symbol.asyncDispose]());

const points = async (repository: string): Promise<string[]> =>
  (await readdir(`${hubs.folder}/now/${repository}/pgtest1`).catch(() => [])).filter((name) => name.endsWith('.json'));

/** A run of hub A that stops itself after a step. */
async function stoppedAfter(uses: string): Promise<Call> {
  const plan = hubs.a.path('plan.yaml');
  const child = spawn(process.execPath, [testProgram('e2e/killed-run-child'), plan, uses, 'after', 'SIGSTOP']);
  const call = callOf(child, plan);
  await vi.waitFor(() => expect(stateOf(child.pid ?? 0)).toBe('T'), { timeout: 200_000, interval: 20 });
  return call;
}

const move = ['repo', 'move', 'pgtest1', '--from', 'primary', '--to', 'second'];

describe('two hubs, one repository', () => {
  test('a move waits for a backup of another hub, and goes on when that has ended', async () => {
    await hubs.restore();
    await hubs.change();
    const run = await stoppedAfter('qcow2.seal');
    for (const prefix of [[], apart]) {
      const refused = await begin(hubs.b, move, prefix).ended;
      expect(refused.exitCode, refused.text).toBe(11);
      expect(refused.text).toMatch(/run.locked|works on VM pgtest1/);
    }
    expect(await points('primary')).toHaveLength(3);
    run.signal('SIGCONT');
    const ended = await run.ended;
    expect(ended.exitCode, ended.text).toBe(0);
    expect(await hubs.faults()).toEqual([]);
    expect(await points('primary')).toHaveLength(4);
  });

  test('a backup that was overtaken while it was stopped commits nothing when it goes on', async () => {
    await hubs.restore();
    await hubs.change();
    const run = await stoppedAfter('qcow2.seal');
    await hubs.silence();
    const moved = await begin(hubs.b, move, apart).ended;
    expect(moved.exitCode, moved.text).toBe(0);
    expect(await points('primary')).toEqual([]);
    run.signal('SIGCONT');
    const ended = await run.ended;
    expect(ended.exitCode, ended.text).toBe(1);
    expect(ended.text).toContain('run.overtaken');
    expect(await points('primary')).toEqual([]);
    expect(await points('second')).toHaveLength(3);
    expect(await hubs.faults()).toEqual([]);
    // What it was built on is gone: the next one says so and begins anew.
    const next = await hubs.a.run('plan.yaml');
    expect(next.finished.status, next.stderr).toBe('succeeded');
    await hubs.keepCopies();
    expect(await hubs.faults()).toEqual([]);
  });

  test('what one hub finds damaged, the other does not build on, and lists', async () => {
    await hubs.restore();
    const [, , newest = ''] = (await points('primary')).map((name) => name.slice(0, -5)).toSorted();
    const image = `${hubs.folder}/now/primary/pgtest1/disk-0/${newest}.qcow2`;
    const { chmod, open, stat, utimes } = await import('node:fs/promises');
    const { atime, mtime, size } = await stat(image);
    await chmod(image, 0o644);
    {
      await using file = await open(image, 'r+');
      await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, size - 65_536);
    }
    await chmod(image, 0o444);
    await utimes(image, atime, mtime);
    const found = await hubs.b.call(['verify', '--repository', 'primary', '--points', 'all', '--level', 'deep']);
    expect(found.exitCode, found.stdout + found.stderr).not.toBe(0);
    const list = await hubs.a.call(['list', '--json']);
    const { points: listed } = JSON.parse(list.stdout) as { points: { backup_id: string; broken: object | null }[] };
    expect(listed.find((point) => point.backup_id === newest)?.broken).toMatchObject({ disks: [0] });
    await hubs.change();
    const run = await hubs.a.run('plan.yaml');
    expect(run.finished.status, run.stderr).toBe('succeeded');
    expect(JSON.stringify(run.finished.disks)).toContain(`${newest} is broken`);
  });

  test('a restore point that another hub has merged is sound to one that does not know it', async () => {
    await hubs.restore();
    const pruned = await begin(hubs.a, ['run', 'prune.yaml']).ended;
    expect(pruned.exitCode, pruned.text).toBe(0);
    const [kept = ''] = (await points('primary')).map((name) => name.slice(0, -5));
    expect(await points('primary')).toHaveLength(1);
    const found = await hubs.b.call(['verify', '--repository', 'primary', '--points', 'all', '--level', 'deep']);
    expect(found.stdout + found.stderr).not.toContain('is broken');
    expect(found.stdout + found.stderr).toContain(`${kept} is sound`);
    expect(found.stdout + found.stderr).toContain('repo import primary --forget-missing');
    expect(await readdir(`${hubs.folder}/now/primary/pgtest1`)).not.toContain(`${kept}.marks`);
    await hubs.b.write('plan.yaml', backupPlan([`${hubs.folder}/now/disk.raw`]));
    await hubs.change();
    const run = await hubs.b.run('plan.yaml');
    expect(run.finished.status, run.stderr).toBe('succeeded');
    expect(disksOf(run)[0]?.mode).toBe('incremental');
    await hubs.keepCopies();
    expect(await hubs.faults()).toEqual([]);
  });

  test('what one hub protects, the other does not remove', async () => {
    await hubs.restore();
    const [oldest = ''] = (await points('primary')).map((name) => name.slice(0, -5)).toSorted();
    const kept = await hubs.b.call(['protect', oldest, '--reason', 'audit']);
    expect(kept.exitCode, kept.stderr).toBe(0);
    const pruned = await begin(hubs.a, ['run', 'prune.yaml']).ended;
    expect(pruned.exitCode, pruned.text).toBe(0);
    expect(await points('primary')).toContain(`${oldest}.json`);
    expect(await hubs.faults()).toEqual([]);
  });
});

describe('two hubs that are stopped and killed at any moment', () => {
  const random = printedRandom('two-hubs');
  const works: readonly (readonly string[])[] = [
    ['run', 'plan.yaml'],
    ['run', 'prune.yaml'],
    move,
    ['repo', 'copy', 'pgtest1', '--from', 'primary', '--to', 'second'],
    ['repo', 'gc', 'primary', '--yes', '--purge'],
    ['verify', '--repository', 'primary', '--points', 'all'],
  ];
  test.each(Array.from({ length: rounds(1, 300) }, (_, round) => round))(
    'round %i: every committed restore point holds what was backed up',
    async () => {
      await hubs.restore();
      await hubs.change();
      const pick = (): readonly string[] => works[random.int(0, works.length)] ?? [];
      const first = begin(hubs.a, random.chance(0.6) ? ['run', 'plan.yaml'] : pick());
      // Most of what can go wrong needs one of them to have the lock.
      if (random.chance(0.9)) await hubs.held(first);
      await delay(random.int(0, 800));
      if (random.chance(0.2)) first.signal('SIGKILL');
      else first.signal('SIGSTOP');
      if (random.chance(0.85)) await hubs.silence();
      const second = begin(hubs.b, pick(), apart);
      const calls = [first, second];
      // The second ends meanwhile, or is in the middle of something when the first goes on; and the same the other way about.
      if (random.chance(0.5)) await Promise.race([second.ended, delay(20_000)]);
      else {
        if (random.chance(0.8)) await hubs.held(second);
        await delay(random.int(0, 800));
        second.signal(random.chance(0.3) ? 'SIGKILL' : 'SIGSTOP');
        if (random.chance(0.7)) await hubs.silence();
      }
      first.signal('SIGCONT');
      if (random.chance(0.5)) await Promise.race([first.ended, delay(20_000)]);
      else await delay(random.int(0, 800));
      second.signal('SIGCONT');
      for (const call of calls) await call.ended;
      expect(await hubs.faults()).toEqual([]);
      // Each cleans up after itself, and then what is there still is what was backed up.
      await hubs.silence();
      for (const hub of [hubs.a, hubs.b]) await hub.call(['recover']);
      expect(await hubs.faults()).toEqual([]);
      await hubs.silence();
      for (const hub of [hubs.a, hubs.b]) await hub.call(['repo', 'import', 'primary', '--forget-missing']);
      const next = await hubs.a.run('plan.yaml');
      expect(next.finished.status, next.stdout + next.stderr).toBe('succeeded');
      expect(await hubs.faults()).toEqual([]);
    },
    300_000,
  );
});
