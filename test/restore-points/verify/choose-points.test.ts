import { expect, test } from 'vitest';
import type { Verification, VerifyLevel } from '../../../src/state/points/point-marks.ts';
import type { RestorePoint } from '../../../src/state/points/restore-points.ts';
import { choosePoints, vmByVm, type Selection } from '../../../src/restore-points/verify/choose-points.ts';

const day = 86_400_000;
const now = Date.parse('2026-11-21T00:00:00Z');

const point = (context: string, id: string, age: number): RestorePoint =>
  ({
    repository: 'primary',
    backup_id: id,
    vm: { name: context, context },
    created: now - age * day,
    sequence: now - age * day,
    disks: [],
  }) as unknown as RestorePoint;

const all = [point('db1', 'a', 5), point('db1', 'b', 3), point('web1', 'c', 4), point('web1', 'd', 2)];

const verified = (entries: Readonly<Record<string, readonly (readonly [VerifyLevel, number])[]>>) =>
  new Map<string, Verification[]>(
    Object.entries(entries).map(([key, list]) => [
      key,
      list.map(([level, age]) => ({
        level,
        finished: now - age * day,
        ok: true,
        runId: null,
        bytesRead: 0,
        detail: null,
      })),
    ]),
  );

const chosen = (selection: Selection, more: Partial<Parameters<typeof choosePoints>[2]> = {}, done = verified({})) =>
  choosePoints(all, done, { selection, level: 'digests', now, ...more }).points.map(({ backup_id: id }) => id);

test('latest is the newest of each VM; all come oldest first where none was verified', () => {
  expect(chosen('latest')).toEqual(['b', 'd']);
  expect(chosen('all')).toEqual(['a', 'c', 'b', 'd']);
  expect(chosen('all', { vms: ['web*'] })).toEqual(['c', 'd']);
  expect(chosen('latest', { point: 'a' })).toEqual(['a']);
  expect(choosePoints(all, verified({}), { selection: 'all', vms: ['x*'], level: 'quick', now })).toEqual({
    points: [],
    unmatched: ['x*'],
  });
});

test('those of one day, and those that were never verified, are worked on VM by VM', () => {
  const order = (done = verified({})) =>
    vmByVm(all.toReversed(), done, { level: 'digests', now }).map(({ backup_id: id }) => id);
  expect(order()).toEqual(['a', 'b', 'c', 'd']);
  expect(order(verified({ 'db1/a': [['digests', 1]], 'web1/c': [['digests', 9]] }))).toEqual(['b', 'd', 'c', 'a']);
  expect(order(verified({ 'db1/a': [['digests', 1.9]], 'db1/b': [['digests', 2]] }))).toEqual(['c', 'd', 'a', 'b']);
});

test('a share is rounded up and takes those that were verified longest ago', () => {
  const done = verified({ 'db1/a': [['digests', 1]], 'web1/c': [['digests', 9]] });
  expect(chosen({ share: '25%' }, {}, done)).toEqual(['b']);
  expect(chosen({ share: '51%' }, {}, done)).toEqual(['b', 'd', 'c']);
  expect(chosen({ share: '100%' }, {}, done)).toEqual(['b', 'd', 'c', 'a']);
});

test('a higher level counts for a lower one, not the other way round, and a boot for none', () => {
  const done = verified({
    'db1/a': [['deep', 1]],
    'db1/b': [['quick', 1]],
    'web1/c': [['boot', 1]],
    'web1/d': [['digests', 8]],
  });
  expect(chosen({ notVerifiedFor: '1w' }, {}, done)).toEqual(['c', 'b', 'd']);
  expect(chosen({ notVerifiedFor: '1w' }, { level: 'quick' }, done)).toEqual(['c', 'd']);
  expect(chosen({ notVerifiedFor: '1w' }, { level: 'deep' }, done)).toEqual(['c', 'b', 'd']);
});
