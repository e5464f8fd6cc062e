import { expect, test } from 'vitest';
import type { LastRead } from '../../../src/state/points/last-reads.ts';
import type { RestorePoint } from '../../../src/state/points/restore-points.ts';
import { dueForReading, rereadWithinMs } from '../../../src/restore-points/verify/reread.ts';
import { printedRandom } from '../../support/random.ts';

const day = 86_400_000;
const start = 1_800_000_000_000;
const withinMs = 30 * day;

/** Restore points of a repository, of so many bytes each, and when they were read last. */
function repository(sizes: readonly number[], read = start) {
  const reads: LastRead[] = sizes.map((_, index) => ({
    repository: 'primary',
    context: 'pgtest1',
    backupId: `20261101T000000Z-${String(index).padStart(6, '0')}`,
    read,
    verified: null,
  }));
  const points = reads.map(({ backupId, context }, index) => ({
    backup_id: backupId,
    vm: { context },
    disks: [{ file_bytes: sizes[index] ?? 0 }],
  })) as unknown as RestorePoint[];
  /** What a run at this time reads, in bytes. */
  const runAt = (now: number): number => {
    const due = dueForReading(points, reads, { withinMs, now });
    for (const { backup_id: id } of due) {
      const at = reads.findIndex(({ backupId }) => backupId === id);
      reads[at] = { ...reads[at]!, read: now, verified: now };
    }
    return due.reduce((sum, { disks }) => sum + (disks[0]?.file_bytes ?? 0), 0);
  };
  return { points, reads, runAt, total: sizes.reduce((sum, size) => sum + size, 0) };
}

/** How many were not read for longer than that. */
const late = (reads: readonly LastRead[], now: number): number =>
  reads.filter(({ read }) => now - read > withinMs).length;

test('a year of nights: every file is read again in time, and no night reads much more than another', () => {
  const random = printedRandom('reading again');
  const sizes = Array.from({ length: 200 }, () => random.int(1, 100));
  const { reads, runAt, total } = repository(sizes);
  let worst = 0;
  for (let night = 1; night <= 365; night++) {
    const now = start + night * day + random.int(0, 3_600_000);
    worst = Math.max(worst, runAt(now));
    expect(late(reads, now), `night ${night}`).toBe(0);
  }
  expect(worst).toBeLessThan(total * 0.15);
});

test('what is late after a long pause is read in the next nights, the oldest first, not in one', () => {
  const { reads, runAt, total } = repository(
    Array.from({ length: 100 }, () => 10),
    start - 400 * day,
  );
  reads[7] = { ...reads[7]!, read: start - 500 * day };
  expect(late(reads, start)).toBe(100);
  const first = runAt(start);
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThanOrEqual(total * 0.1);
  expect(reads[7]?.read).toBe(start);
  for (let night = 1; night <= 20; night++) runAt(start + night * day);
  expect(late(reads, start + 20 * day)).toBe(0);
});

test('a run that comes rarely reads all that would be late before the next one', () => {
  const { reads, runAt } = repository([10, 10, 10]);
  runAt(start + 20 * day);
  runAt(start + 40 * day);
  expect(late(reads, start + 40 * day)).toBe(0);
});

test('one that is larger than a night is read all the same', () => {
  const { runAt } = repository([10_000, 1], start - 40 * day);
  expect(runAt(start) + runAt(start + day)).toBe(10_001);
});

test('the settings may say another time, or never', () => {
  expect(rereadWithinMs(undefined)).toBe(withinMs);
  expect(rereadWithinMs('2w')).toBe(14 * day);
  expect(rereadWithinMs('never')).toBeNull();
});
