import { expect, test } from 'vitest';
import { thisProcess } from '../../../src/host/programs/process-identity.ts';
import { settleSlots } from '../../../src/hub/schedule/settle-slots.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { decideSlot, listSlots, type SlotRecord } from '../../../src/state/schedules/schedule-slots.ts';
import { someEnd, someRun, someSlot, temporaryState } from '../../state/temporary-state.ts';

const now = 1_700_000_000_000;
const owner = thisProcess();
const slot = (plan: string, more: Partial<SlotRecord>): SlotRecord => someSlot(plan, now, { owner, ...more });

/** A slot for each way in which one can be open, and what becomes of them. */
function settled(
  lives: boolean,
  isMine: boolean,
): { states: string[]; ended: string[]; lost: string[]; crashed: boolean } {
  using temporary = temporaryState();
  const { state } = temporary;
  const journal = createJournal(state, () => lives);
  for (const id of ['goes-on', 'is-over']) journal.startRun(someRun(id, { plan: id }));
  journal.finishRun('is-over', someEnd(now));
  for (const open of [
    slot('goes-on', { runId: 'goes-on' }),
    slot('is-over', { runId: 'is-over' }),
    slot('not-begun', { runId: 'nobody-knows' }),
    slot('claimed', { state: 'claimed' }),
    slot('waiting', { state: 'waiting' }),
  ])
    decideSlot(state, open);
  const result = settleSlots(
    state,
    () => lives,
    now,
    () => isMine,
  );
  const names = (slots: readonly SlotRecord[]): string[] => slots.map(({ plan }) => plan).toSorted();
  return {
    states: listSlots(state)
      .map((found) => `${found.plan}: ${found.state}`)
      .toSorted(),
    ended: names(result.ended),
    lost: names(result.lost),
    crashed: result.crashed,
  };
}

test('while their processes live, only the slot of a run that is over ends', () => {
  expect(settled(true, true)).toEqual({
    states: ['claimed: claimed', 'goes-on: running', 'is-over: succeeded', 'not-begun: running', 'waiting: waiting'],
    ended: ['is-over'],
    lost: [],
    crashed: false,
  });
});

test('once they are dead, a run that never began has failed, and what waited is left to whom it concerns', () => {
  const dead = { ended: ['is-over', 'not-begun'], crashed: true };
  expect(settled(false, false)).toEqual({
    ...dead,
    states: ['claimed: claimed', 'goes-on: running', 'is-over: succeeded', 'not-begun: failed', 'waiting: waiting'],
    lost: [],
  });
  expect(settled(false, true)).toEqual({
    ...dead,
    states: ['claimed: missed', 'goes-on: running', 'is-over: succeeded', 'not-begun: failed', 'waiting: missed'],
    lost: ['claimed', 'waiting'],
  });
});
