import { expect, test } from 'vitest';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import { groupMembers } from '../../src/hub/pages/group-members.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { temporaryState } from '../state/temporary-state.ts';

test('members of a group are those that its newest run found, with the newest run of each', () => {
  using at = temporaryState();
  const { state } = at;
  const journal = createJournal(state, () => false);
  const common = { planFile: '', planFolder: '', lock: null, owner: thisProcess() };
  const begin = (id: string, plan: string, kind: string, started: number, parentRun?: string): void =>
    void journal.startRun({
      ...common,
      id,
      plan,
      kind,
      vm: plan,
      started,
      ...(parentRun === undefined
        ? {}
        : {
            origin: {
              trigger: 'group',
              parentRun,
            },
          }),
    });
  const end = (id: string, status: 'succeeded' | 'failed'): void =>
    void state.run(state.query.updateTable('runs').set({ status, finished: 90 }).where('id', '=', id));
  const foundBy = (id: string, names: readonly string[]): void => {
    const members = names.map((name) => ({ name: `${name}.example`, context: name, plan: `all-${name}` }));
    const row = { run_id: id, step_id: 'resolve', number: 1, uses: 'group.resolve', state: 'succeeded', attempt: 1 };
    state.run(
      state.query.insertInto('steps').values({
        ...row,
        claim: 'null',
        output: JSON.stringify({
          members,
          warnings: [],
        }),
        started: 1,
        updated: 1,
      } as never),
    );
  };
  expect(groupMembers(state, 'all')).toEqual({ run_id: null, running: false, members: [] });
  begin('g1', 'all', 'group', 10);
  foundBy('g1', ['web01', 'web02', 'web03']);
  begin('a1', 'all-web01', 'backup', 11, 'g1');
  begin('b1', 'all-web02', 'backup', 12, 'g1');
  for (const id of ['a1', 'b1', 'g1']) end(id, id === 'b1' ? 'failed' : 'succeeded');
  const shown = (): readonly string[] =>
    groupMembers(state, 'all').members.map(({ vm, waits, run }) => `${vm} ${run?.run_id}${waits ? ' waits' : ''}`);
  expect(shown()).toEqual(['web01 a1', 'web02 b1', 'web03 undefined']);
  // One that found none tells of none.
  begin('g2', 'all', 'group', 20);
  end('g2', 'failed');
  expect(shown()).toHaveLength(3);
  begin('g3', 'all', 'group', 30);
  foundBy('g3', ['web01', 'web02']);
  begin('a3', 'all-web01', 'backup', 31, 'g3');
  expect(groupMembers(state, 'all')).toMatchObject({ run_id: 'g3', running: true });
  expect(shown()).toEqual(['web01 a3', 'web02 b1 waits']);
  expect(groupMembers(state, 'all-web01').members).toEqual([]);
});
