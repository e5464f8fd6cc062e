import { createHash } from 'node:crypto';
import { copyFile, open, rm } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, makeRaw, sameContent, workspace, type Workspace } from './workspace.ts';
import { withFault } from './with-fault.ts';
import { printedRandom, type Random } from '../support/random.ts';
import { all } from '../support/rounds.ts';

const MiB = 1024 * 1024;
const day = 86_400_000;

/** A month, or as much of it as has a week's end, failures in three steps, verifications and merges. */
const span = all
  ? {
      nights: 31,
      retention: '{ last: 2, daily: 5, weekly: 3, monthly: 2 }',
      fails: (night: number) => night % 7 === 3,
      verifies: (night: number) => night % 10 === 9,
      // 5 days, 2 more weeks, and the month before at the most.
      points: { fewest: 5, most: 10 },
      merged: 15,
    }
  : {
      nights: 10,
      retention: '{ last: 2, daily: 3, weekly: 2 }',
      fails: (night: number) => night % 3 === 1,
      verifies: (night: number) => night === 5,
      points: { fewest: 3, most: 5 },
      merged: 2,
    };

const disks = ['disk0.raw', 'disk1.raw'];

afterEach(() => vi.useRealTimers());

/** What a guest does in a day: it writes here and there, and zeroes a piece now and then. */
async function guestDay(work: Workspace, numbers: Random): Promise<void> {
  for (const disk of disks) {
    await using handle = await open(work.path(disk), 'r+');
    for (let write = numbers.int(0, 6); write > 0; write--) {
      const length = numbers.int(1, 200_000);
      const bytes = numbers.chance(0.25) ? Buffer.alloc(length) : numbers.bytes(length);
      await handle.write(bytes, 0, length, numbers.int(0, 3 * MiB - length));
    }
  }
}

test('a month of nights: changes, failures, prunes and verifications, and after each night every point is what it was', async () => {
  const numbers = printedRandom('a month');
  await using work = await workspace();
  for (const disk of disks)
    await makeRaw(work.path(disk), 3 * MiB, [
      [0, MiB],
      [2 * MiB, 100_000],
    ]);
  const retention = `retention: ${span.retention}\n`;
  await work.write('nightly.yaml', backupPlan(disks, retention));
  await work.write(
    'verify.yaml',
    'kind: verify\nname: weekly-verify\nrepository: primary\nlevel: digests\npoints: all\n',
  );
  const frozen = new Map<string, string[]>();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 9, 1, 1, 30) });
  let failing: string | null = null;
  const fail = async (): Promise<void> => {
    throw new Error('the test wants it to fail');
  };
  const faulty = (uses: string) =>
    new Map(builtInSteps.map((step) => [step.uses, step.uses === uses ? withFault(step, 'after', fail) : step]));
  let failed = 0;
  let merged = 0;

  for (let night = 0; night < span.nights; night++) {
    vi.setSystemTime(Date.UTC(2026, 9, 1, 1, 30) + night * day + numbers.int(0, 60_000));
    await guestDay(work, numbers);
    failing = span.fails(night) ? (['qcow2.create', 'node.transfer', 'qcow2.seal'][failed++ % 3] ?? null) : null;
    await using hub = await openHub({
      startFolder: work.folder,
      embeddedNode: startNode,
      ...(failing === null ? {} : { steps: faulty(failing) }),
    });
    const finished = await hub.run({ file: work.path('nightly.yaml') });
    expect([finished.status, night, finished.error?.message]).toEqual([
      failing === null ? 'succeeded' : 'failed',
      night,
      failing === null ? undefined : 'the test wants it to fail',
    ]);
    if (finished.backup_id) frozen.set(finished.backup_id, await freeze(work, finished.backup_id));
    const { points } = await hub.list({});
    for (const point of points)
      for (const [disk, copy] of (frozen.get(point.backup_id) ?? []).entries())
        expect([
          await sameContent(copy, work.path('repository/pgtest1', `disk-${disk}`, `${point.backup_id}.qcow2`)),
          night,
          point,
        ]).toEqual([true, night, point]);
    const kept = new Set(points.map(({ backup_id: id }) => id));
    for (const [id, copies] of frozen) {
      if (kept.has(id)) continue;
      merged++;
      frozen.delete(id);
      for (const copy of copies) await rm(copy);
    }
    expect([...frozen.keys()].sort()).toEqual([...kept].sort());
    if (span.verifies(night)) {
      const verified = await hub.run({ file: work.path('verify.yaml') });
      expect([verified.status, verified.warnings]).toEqual(['succeeded', []]);
    }
  }

  await using hub = await openHub({ startFolder: work.folder, embeddedNode: startNode });
  const { points } = await hub.list({});
  // The first full has long been merged away.
  expect(points.length).toBeGreaterThanOrEqual(span.points.fewest);
  expect(points.length).toBeLessThanOrEqual(span.points.most);
  expect(points.filter(({ kind }) => kind === 'full')).toHaveLength(1);
  expect(merged).toBeGreaterThanOrEqual(span.merged);
  const checked = await hub.check({ deep: true });
  expect(checked.findings).toEqual([]);
  expect(leftovers(work.folder)).toEqual([]);
}, 600_000);

/** Copies of the disks as they are now. */
async function freeze(work: Workspace, id: string): Promise<string[]> {
  const name = createHash('sha256').update(id).digest('hex').slice(0, 12);
  return Promise.all(
    disks.map(async (disk, index) => {
      const copy = work.path(`frozen-${name}-${index}.raw`);
      await copyFile(work.path(disk), copy);
      return copy;
    }),
  );
}
