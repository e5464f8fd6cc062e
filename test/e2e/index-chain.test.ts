import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openIndex } from '../../src/blocks/block-index.ts';
import { randomBytes } from '../support/random.ts';
import { pointsOf } from './redate.ts';
import { backupPlan, makeRaw, sameContent, workspace, writeAt, type Workspace } from './workspace.ts';

const MiB = 1024 * 1024;

const indexOf = (bench: Workspace, id: string): string => bench.path('repository', 'pgtest1', 'disk-0', `${id}.index`);

async function builtOn(bench: Workspace): Promise<string[][]> {
  const found: string[][] = [];
  for (const id of await pointsOf(bench, 'pgtest1')) {
    await using index = await openIndex(indexOf(bench, id), { verify: 'all' });
    found.push([id, ...index.levels.flatMap(({ parent }) => parent ?? [])]);
  }
  return found;
}

async function night(bench: Workspace, at: number): Promise<string> {
  await writeAt(bench.path('disk.raw'), [at * MiB, randomBytes(1000)]);
  const run = await bench.run('plan.yaml');
  expect(run.finished.status, run.stderr).toBe('succeeded');
  return run.finished.backup_id ?? '';
}

test('each increment has an index on that of its parent; retention, verification and restores go on, and damage leads to a full', async () => {
  await using bench = await workspace();
  await makeRaw(bench.path('disk.raw'), 600 * MiB, [[0, 20 * MiB]]);
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  const ids: string[] = [];
  for (let at = 1; at <= 4; at++) ids.push(await night(bench, at));
  const [a, b, c, d] = ids;
  expect(await builtOn(bench)).toEqual([[a], [b, a], [c, b, a], [d, c, b, a]]);
  expect((await readFile(indexOf(bench, d ?? ''))).length).toBeLessThan(1000);

  await bench.write('plan.yaml', backupPlan(['disk.raw'], 'retention: { last: 3 }\n'));
  ids.push(await night(bench, 5));
  const kept = ids.slice(2);
  expect(await builtOn(bench)).toEqual([[kept[0]], [kept[1], kept[0]], [kept[2], kept[1], kept[0]]]);
  for (const call of [['verify', '--points', 'all', '--level', 'deep'], ['check']]) {
    const result = await bench.call(call);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
  }
  const restore = await bench.call(['restore', 'pgtest1', '--to', bench.path('restored')]);
  expect(restore.exitCode, restore.stderr).toBe(0);
  const newest = bench.path('repository', 'pgtest1', 'disk-0', `${kept[2]}.qcow2`);
  expect(await sameContent(newest, bench.path('disk.raw'))).toBe(true);

  const below = indexOf(bench, kept[0] ?? '');
  await chmod(below, 0o600);
  const bytes = await readFile(below);
  bytes[200]! ^= 1;
  await writeFile(below, bytes);
  const refused = await bench.call(['restore', 'pgtest1', '--to', bench.path('refused')]);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stdout + refused.stderr).toMatch(/not as it was committed[^]*--no-verify/);
  const unproven = await bench.call(['restore', 'pgtest1', '--no-verify', '--to', bench.path('unproven')]);
  expect(unproven.exitCode, unproven.stderr).toBe(0);
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  const full = await night(bench, 6);
  expect((await builtOnNewest(bench, full)).length).toBe(1);
  const manifest = JSON.parse(await readFile(bench.path('repository', 'pgtest1', `${full}.json`), 'utf8'));
  expect(manifest.disks[0]).toMatchObject({
    mode: 'full',
    reason: expect.stringMatching(/is built on .*not as it was/),
  });

  const next = await night(bench, 7);
  await rm(indexOf(bench, full), { force: true });
  const again = await night(bench, 8);
  expect(await builtOnNewest(bench, again)).toEqual([again]);
  expect(next).not.toBe(again);
  expect(await readdir(bench.path('repository', 'pgtest1', 'disk-0'))).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/sendense-part$/)]),
  );
}, 240_000);

async function builtOnNewest(bench: Workspace, id: string): Promise<string[]> {
  await using index = await openIndex(indexOf(bench, id), { verify: 'all' });
  return [id, ...index.levels.flatMap(({ parent }) => parent ?? [])];
}
