import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { stopAsked } from '../../../src/hub/runs/stop-asked.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { noteAsker } from '../../../src/state/runs/runs.ts';
import { insertRun } from '../../bench/many-points.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

test('a run ends when somebody has written that down, and no other one of the process does', async () => {
  await using folder = await temporaryFolder();
  using state = openState(join(folder.path, 'state.db'));
  for (const vm of [0, 1]) insertRun(state, vm, 0, { vms: 2, points: 1, runs: 1, until: Date.now() });
  const ids = state.all(state.query.selectFrom('runs').select('id').orderBy('id')).map(({ id }) => id);
  const [first = '', second = ''] = ids;
  using one = stopAsked(state);
  using other = stopAsked(state);
  one.watch(first);
  other.watch(second);
  noteAsker(state, first, 'stopped_by', 'anna');
  await vi.waitFor(() => expect(one.signal.aborted).toBe(true), { timeout: 60_000 });
  expect(one.signal.reason).toMatchObject({ code: 'run.cancelled', message: 'the run was cancelled by anna' });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(other.signal.aborted).toBe(false);
});
