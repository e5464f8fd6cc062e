import { expect, test } from 'vitest';
import { lastReads } from '../../../src/state/points/last-reads.ts';
import { recordVerification } from '../../../src/state/points/point-marks.ts';
import { rereadState } from '../../../src/state/points/reread-state.ts';
import { fillState } from '../../bench/many-points.ts';
import { printedRandom } from '../../support/random.ts';
import { temporaryState } from '../temporary-state.ts';

const now = 1_800_000_000_000;
const day = 86_400_000;

test('the figures of a repository are those of the reads of its restore points', () => {
  using made = temporaryState();
  const { state } = made;
  const random = printedRandom('reads');
  // The newest are of the future: the clock was wrong then.
  fillState(state, { vms: 3, points: 20, runs: 0, until: now + 3 * day });
  for (const { repository, context, backupId } of lastReads(state, now))
    for (const level of ['quick', 'digests', 'deep'] as const)
      if (random.chance(0.5))
        recordVerification(
          state,
          { repository, context, backupId },
          {
            level,
            finished: now - random.int(-5, 60) * day,
            ok: random.chance(0.7),
            runId: null,
            bytesRead: random.chance(0.5) ? 10 : 0,
            detail: null,
          },
        );
  const reads = lastReads(state, now);
  expect(reads).toHaveLength(60);
  for (const withinMs of [0, day, 10 * day, 30 * day, 500 * day])
    expect(rereadState(state, 'primary', { withinMs, now })).toEqual({
      points: 60,
      late: reads.filter(({ read }) => now - read > withinMs).length,
      oldest: Math.min(...reads.map(({ read }) => read)),
    });
  expect(rereadState(state, 'primary', { withinMs: null, now })).toMatchObject({ points: 60, late: 0 });
  expect(rereadState(state, 'other', { withinMs: day, now })).toEqual({ points: 0, late: 0, oldest: null });
});
