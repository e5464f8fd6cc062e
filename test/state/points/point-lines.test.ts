import { expect, test } from 'vitest';
import { describePoints } from '../../../src/hub/describe/describe-points.ts';
import { listedPoints } from '../../../src/state/points/listed-points.ts';
import { pointLines, type PointLine } from '../../../src/state/points/point-lines.ts';
import { hasPoints, points } from '../../../src/state/points/restore-points.ts';
import { fillState } from '../../bench/many-points.ts';
import { temporaryState } from '../temporary-state.ts';

test('lines say the same as what is described in full, in the same order', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  fillState(state, { vms: 4, points: 33, runs: 0, until: Date.UTC(2026, 10, 21) });
  const all = listedPoints(state);
  const described = describePoints(
    all,
    (name) => `/srv/${name}`,
    () => new Map(),
    () => [],
  );
  const short = ({
    vm,
    repository,
    backup_id,
    kind,
    created,
    file_bytes,
    chain_length,
    disks,
  }: Omit<PointLine, 'context' | 'vm_instance_uuid'>) => ({
    vm,
    repository,
    backup_id,
    kind,
    created,
    file_bytes,
    chain_length,
    disks: disks.length,
  });
  expect(pointLines(state).map(short)).toEqual(described.map(short));
  expect(described.map(({ backup_id: id }) => id)).toEqual(points(state).map(({ backup_id: id }) => id));
  expect(Math.max(...described.map(({ chain_length: length }) => length))).toBe(30);
  const one = pointLines(state, { vm: 'vm0002', repository: 'primary' });
  expect(one.map(short)).toEqual(described.filter(({ vm }) => vm === 'vm0002').map(short));
  expect(one).toHaveLength(33);
  expect(pointLines(state, { vm: 'nobody' })).toEqual([]);
  expect(pointLines(state, { repository: 'other' })).toEqual([]);
  expect(listedPoints(state, { repository: 'other' })).toEqual([]);
  expect(listedPoints(state, { vm: 'vm0002' })).toEqual(all.filter(({ vm }) => vm.name === 'vm0002'));
  expect(listedPoints(state, { point: all[7]?.backup_id ?? '' })).toEqual([all[7]]);
  expect([hasPoints(state, 'primary'), hasPoints(state, 'other')]).toEqual([true, false]);
});

test('disks are read in the order of their key, so that ten thousand need no sorting', () => {
  using temporary = temporaryState();
  fillState(temporary.state, { vms: 2, points: 2, runs: 2, until: Date.UTC(2026, 10, 21) });
  const plan = temporary.state.query
    .selectFrom('backup_disks')
    .select('path')
    .orderBy('repository')
    .orderBy('context')
    .orderBy('backup_id')
    .orderBy('number')
    .compile();
  const explained = temporary.state.all<{ detail: string }>({
    compile: () => ({ ...plan, sql: `EXPLAIN QUERY PLAN ${plan.sql}` }) as never,
  });
  expect(explained.map(({ detail }) => detail).join()).not.toContain('TEMP B-TREE');
});
