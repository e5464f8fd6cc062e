import { expect, test } from 'vitest';
import { setMarks } from '../../../src/state/points/point-marks.ts';
import { points } from '../../../src/state/points/restore-points.ts';
import { newestSound, vmFigures } from '../../../src/state/points/vm-figures.ts';
import { vmFigures as figuresOfMetrics } from '../../../src/state/runs/figures.ts';
import { fillState } from '../../bench/many-points.ts';
import { temporaryState } from '../temporary-state.ts';

const until = Date.UTC(2026, 10, 21);

test('what `boot keep` made is no newer backup, and a protection that has run out is none', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  fillState(state, { vms: 1, points: 5, runs: 0, until });
  const all = points(state);
  const [before, last] = all.slice(-2);
  if (!before || !last) throw new Error('too few points');
  const { repository } = last;
  const key = { repository, context: last.vm.context };
  const chain = figuresOfMetrics(state, until)[0]?.chainLength ?? 0;
  expect(vmFigures(state)[0]).toMatchObject({ newest_id: last.backup_id, points: 5 });
  const keep = (id: string): void =>
    void state.run(
      state.query
        .updateTable('backups')
        .set({ kept: JSON.stringify({ boot: 'boot-1', of: before.backup_id, guest: 'off' }) })
        .where('backup_id', '=', id),
    );
  keep(last.backup_id);
  expect(vmFigures(state)[0]).toMatchObject({ newest_id: before.backup_id, newest_created: before.created, points: 5 });
  expect(figuresOfMetrics(state, until)[0]).toMatchObject({ newest: before.created, chainLength: chain - 1 });
  const protect = (id: string, end: number | null): void =>
    setMarks(
      state,
      { ...key, backupId: id },
      {
        format: 'sendense-point-marks/1',
        protected: { since: 1, until: end, reason: '', by: 'operator' },
        broken: null,
      },
    );
  protect(last.backup_id, null);
  protect(before.backup_id, until);
  expect(vmFigures(state, undefined, until - 1)[0]?.protected).toBe(2);
  expect(vmFigures(state, undefined, until)[0]?.protected).toBe(1);
  // A VM of which there is nothing else has a newest point all the same.
  for (const { backup_id: id } of all) keep(id);
  expect(vmFigures(state)[0]).toMatchObject({ newest_id: last.backup_id });
});

test('the newest sound backup is built on nothing that is known to be damaged', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  fillState(state, { vms: 2, points: 5, runs: 0, until });
  const all = points(state).filter(({ vm }) => vm.name === 'vm0000');
  const key = { repository: 'primary', context: 'vm0000' };
  const damage = (at: number): void =>
    setMarks(
      state,
      { ...key, backupId: all[at]?.backup_id ?? '' },
      {
        format: 'sendense-point-marks/1',
        protected: null,
        broken: { since: at, disks: [0], reason: 'x', run_id: null },
      },
    );
  const sound = (): number | null => newestSound(state, { repository: 'primary', vm: 'vm0000' });
  expect(all.map(({ parent }) => parent)).toEqual([null, ...all.slice(0, -1).map(({ backup_id: id }) => id)]);
  expect(sound()).toBe(all[4]?.started);
  damage(4);
  expect(sound()).toBe(all[3]?.started);
  damage(2);
  expect(sound()).toBe(all[1]?.started);
  expect(vmFigures(state, 'vm0000')[0]).toMatchObject({ broken: 2, broken_since: 4 });
  damage(0);
  expect(sound()).toBeNull();
  expect(newestSound(state, { repository: 'primary', vm: 'vm0001' })).not.toBeNull();
});
