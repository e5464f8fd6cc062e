import { createHash, randomBytes, randomInt } from 'node:crypto';
import { copyFile, open, rm } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, makeRaw, sameContent, workspace, type Workspace } from './workspace.ts';
import { withFault } from './with-fault.ts';

const MiB = 1024 * 1024;
const day = 86_400_000;
const nights = 31;
const disks = ['disk0.raw', 'disk1.raw'];

afterEach(() => vi.useRealTimers());

/** What a guest does in a day: it writes here and there, and zeroes a piece now and then. */
async function guestDay(work: Workspace): Promise<void> {
  for (const disk of disks) {
    await using handle = await open(work.path(disk), 'r+');
    for (let write = randomInt(0, 6); write > 0; write--) {
      const length = randomInt(1, 200_000);
      const bytes = randomInt(0, 4) === 0 ? Buffer.alloc(length) : randomBytes(length);
      await handle.write(bytes, 0, length, randomInt(0, 3 * MiB - length));
    }
  }
}

test('a month of nights: changes, failures, prunes and verifications, and after each night every point is what it was', async () => {
  await using work = await workspace();
  for (const disk of disks)
    await makeRaw(work.path(disk), 3 * MiB, [
      [0, MiB],
      [2 * MiB, 100_000],
    ]);
  const retention = 'retention: { last: 2, daily: 5, weekly: 3, monthly: 2 }\n';
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

  for (let night = 0; night < nights; night++) {
    vi.setSystemTime(Date.UTC(2026, 9, 1, 1, 30) + night * day + randomInt(0, 60_000));
    await guestDay(work);
    failing = night % 7 === 3 ? (['qcow2.create', 'node.transfer', 'qcow2.seal'][failed++ % 3] ?? null) : null;
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
    if (night % 10 === 9) {
      const verified = await hub.run({ file: work.path('verify.yaml') });
      expect([verified.status, verified.warnings]).toEqual(['succeeded', []]);
    }
  }

  await using hub = await openHub({ startFolder: work.folder, embeddedNode: startNode });
  const { points } = await hub.list({});
  // 5 days, 2 more weeks, and the month before at the most; the first full has long been merged away.
  expect(points.length).toBeGreaterThanOrEqual(5);
  expect(points.length).toBeLessThanOrEqual(10);
  expect(points.filter(({ kind }) => kind === 'full')).toHaveLength(1);
  expect(merged).toBeGreaterThan(15);
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
