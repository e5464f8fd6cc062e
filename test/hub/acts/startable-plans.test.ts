import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startablePlans } from '../../../src/hub/acts/startable-plans.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { insertRun } from '../../bench/many-points.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

test('the run of one VM of a group is none of a plan that could be run: its file has the whole group', async () => {
  await using folder = await temporaryFolder();
  using state = openState(join(folder.path, 'state.db'));
  for (const vm of [0, 1]) insertRun(state, vm, 0, { vms: 2, points: 1, runs: 1, until: Date.now() });
  const [group, member] = state.all(state.query.selectFrom('runs').select(['id', 'plan']).orderBy('id'));
  if (!group || !member) throw new Error('no runs');
  const plans = startablePlans(state);
  expect(plans.plan(member.plan)).toMatchObject({ plan: member.plan });
  state.run(
    state.query.updateTable('runs').set({ trigger: 'group', parent_run: group.id }).where('id', '=', member.id),
  );
  expect(() => plans.plan(member.plan)).toThrow(`the hub knows no plan ${member.plan}`);
  expect(plans.plan(group.plan)).toMatchObject({ plan: group.plan });
});
