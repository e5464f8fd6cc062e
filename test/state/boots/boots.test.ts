import { expect, test } from 'vitest';
import { thisProcess } from '../../../src/host/programs/process-identity.ts';
import {
  addBoot,
  bootsFrom,
  changeBoot,
  claimBoot,
  deleteBoot,
  findBoot,
  releaseBoot,
  type BootRow,
} from '../../../src/state/boots/boots.ts';
import { whatKeeps } from '../../../src/state/points/removed-points.ts';
import { temporaryState } from '../temporary-state.ts';

const vm = { repository: 'primary', context: 'pgtest1' };

const row: BootRow = {
  id: 'boot-00000001',
  ...vm,
  backup_id: 'point-1',
  state: 'up',
  folder: '/srv/boots/boot-00000001',
  place: 'here',
  owner: null,
  machine: '{}',
  move: null,
  wanted: 'on',
  paused: null,
  started: 1,
  started_by: 'root',
};

test('one process at a time changes a VM, and one that died is no hindrance', () => {
  using bench = temporaryState();
  const { state } = bench;
  addBoot(state, row);
  const [me, other] = [thisProcess(), { ...thisProcess(), pid: 1 }];
  expect(claimBoot(state, row.id, other, () => true)).toMatchObject({ claimed: { id: row.id } });
  expect(claimBoot(state, row.id, me, () => true)).toEqual({ claimed: null, by: other });
  expect(claimBoot(state, row.id, me, () => false)).toMatchObject({ claimed: { id: row.id } });
  releaseBoot(state, row.id);
  expect(findBoot(state, row.id)?.owner).toBeNull();
  deleteBoot(state, row.id);
  expect(claimBoot(state, row.id, me, () => true)).toEqual({ claimed: null, by: null });
});

test('nothing goes that a VM runs from, until its data has moved or it has gone', () => {
  using bench = temporaryState();
  const { state } = bench;
  const removal = { removed: ['point-0'], affected: new Set(['point-0', 'point-1']), child: null };
  const keeps = (): string | null => whatKeeps(state, vm, removal, 0);
  expect(keeps()).toBeNull();
  addBoot(state, row);
  expect(keeps()).toBe('boot-00000001 runs from point-1, which is built on it');
  expect(whatKeeps(state, { ...vm, context: 'other' }, removal, 0)).toBeNull();
  changeBoot(state, row.id, { state: 'moved' });
  expect([keeps(), bootsFrom(state, vm).size]).toEqual([null, 0]);
  changeBoot(state, row.id, { state: 'stopping' });
  expect(keeps()).not.toBeNull();
  deleteBoot(state, row.id);
  expect(keeps()).toBeNull();
});
