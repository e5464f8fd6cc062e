import { expect, test } from 'vitest';
import {
  decideSlot,
  listSlots,
  newestDecided,
  openStates,
  type SlotRecord,
} from '../../../src/state/schedules/schedule-slots.ts';
import { openDatabase } from '../../../src/state/database/sqlite.ts';
import { someSlot, temporaryState } from '../temporary-state.ts';

const slot = (plan: string, at: number, state: SlotRecord['state']): SlotRecord => someSlot(plan, at, { state });

test('the newest slot of each plan, and none of others', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  for (const [plan, at] of [
    ['one', 1],
    ['one', 3],
    ['two', 2],
    ['three', 9],
  ] as const)
    decideSlot(state, slot(plan, at, 'succeeded'));
  expect([...newestDecided(state, ['two', 'one', 'nobody'])].sort()).toEqual([
    ['one', 3],
    ['two', 2],
  ]);
});

test('open slots are found among many, by their index', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  for (let at = 0; at < 50; at++) decideSlot(state, slot('one', at, 'succeeded'));
  decideSlot(state, slot('one', 50, 'waiting'));
  decideSlot(state, slot('two', 51, 'claimed'));
  expect(listSlots(state, { states: openStates }).map(({ plan }) => plan)).toEqual(['two', 'one']);
  expect(listSlots(state, { states: ['claimed', 'running'] }).map(({ plan }) => plan)).toEqual(['two']);
  expect(listSlots(state, { states: ['succeeded'], limit: 2 }).map((found) => found.slot)).toEqual([49, 48]);
  // A condition in other words than the index has it reads every slot there ever was.
  const database = openDatabase(temporary.path, { readonly: true });
  const plan = database
    .prepare(
      "EXPLAIN QUERY PLAN SELECT * FROM schedule_slots WHERE state IN (?) AND state IN ('waiting', 'claimed', 'running')",
    )
    .all('waiting') as { detail: string }[];
  database.close();
  expect(plan.map(({ detail }) => detail).join('\n')).toContain('schedule_slots_open');
});

test('who decides a slot second is told so, and changes nothing', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  expect(decideSlot(state, slot('one', 1, 'waiting'))).toBe(true);
  expect(decideSlot(state, slot('one', 1, 'skipped'))).toBe(false);
  expect(decideSlot(state, slot('one', 1, 'missed'), { over: ['claimed'] })).toBe(false);
  expect(listSlots(state, { plan: 'one' }).map((found) => found.state)).toEqual(['waiting']);
  expect(decideSlot(state, slot('one', 1, 'missed'), { over: ['waiting'] })).toBe(true);
  expect(listSlots(state, { plan: 'one' }).map((found) => found.state)).toEqual(['missed']);
});
