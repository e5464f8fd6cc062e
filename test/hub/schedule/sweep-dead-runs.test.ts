import { expect, test } from 'vitest';
import { sweepDeadRuns } from '../../../src/hub/schedule/sweep-dead-runs.ts';
import { isRunning, thisProcess } from '../../../src/host/programs/process-identity.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { deadRuns } from '../../../src/state/runs/dead-runs.ts';
import { temporaryState } from '../../state/temporary-state.ts';

const minute = 60_000;

test('a run that died is cleaned up after at once, one that cannot be again and again, ever more seldom', () => {
  let [now, count] = [0, 0];
  let dead: { fresh: string[]; unclean: string[] } = { fresh: [], unclean: [] };
  const sweep = sweepDeadRuns({
    dead: () => dead,
    recover: () => void count++,
    log: { info: () => {} },
    now: () => now,
  });
  sweep();
  expect(count).toBe(0);
  dead = { fresh: ['r1'], unclean: [] };
  sweep();
  expect(count).toBe(1);
  dead = { fresh: [], unclean: ['r1'] };
  for (const end = 24 * 60 * minute; now < end; now += 10_000) sweep();
  expect(count).toBeGreaterThan(20);
  expect(count).toBeLessThan(40);
  dead = { fresh: ['r2'], unclean: ['r1'] };
  const before = count;
  sweep();
  expect(count).toBe(before + 1);
});

test('a run counts as dead only where its process could be seen: same pid namespace, or an earlier boot', () => {
  using at = temporaryState();
  const { state } = at;
  const journal = createJournal(state, isRunning);
  const begin = (id: string, owner: Partial<ReturnType<typeof thisProcess>>): void => {
    const run = { plan: id, kind: 'backup', vm: id, planFile: '', planFolder: '', started: 1, lock: null };
    journal.startRun({ ...run, id, owner: { ...thisProcess(), ...owner } });
  };
  begin('lives', {});
  begin('died', { start_time: '1' });
  begin('elsewhere', { start_time: '1' });
  begin('of-old', { start_time: '1' });
  begin('before-boot', { boot_id: 'another' });
  const place = (id: string, owner_place: string | null): void =>
    void state.run(state.query.updateTable('runs').set({ owner_place }).where('id', '=', id));
  place('elsewhere', `${thisProcess().boot_id} pid:[1]`);
  place('of-old', null);
  place('before-boot', 'another pid:[1]');
  expect([...deadRuns(state, isRunning).fresh].toSorted()).toEqual(['before-boot', 'died']);
});
