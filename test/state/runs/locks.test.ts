import { expect, test } from 'vitest';
import { acquireLock, listLocks, releaseLock, releaseLocks } from '../../../src/state/runs/locks.ts';
import { addRuns, temporaryState } from '../temporary-state.ts';

const lives = (): boolean => true;

test('a lock belongs to one run, which may ask again and alone gives it back', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  addRuns(state, 'one', 'two');
  expect(acquireLock(state, 'primary/vm', 'one', lives)).toEqual({ acquired: true });
  expect(acquireLock(state, 'primary/vm', 'one', lives)).toEqual({ acquired: true });
  expect(acquireLock(state, 'primary/vm', 'two', lives)).toMatchObject({ acquired: false, holder: { runId: 'one' } });
  expect(releaseLock(state, 'primary/vm', 'two')).toBe(0);
  expect(releaseLocks(state, 'two')).toBe(0);
  expect(listLocks(state, lives)).toMatchObject([{ name: 'primary/vm', runId: 'one', alive: true }]);
  expect(releaseLock(state, 'primary/vm', 'one')).toBe(1);
  expect(acquireLock(state, 'primary/vm', 'two', lives)).toEqual({ acquired: true });
});

test('giving back one lock of a run leaves its others', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  addRuns(state, 'one');
  for (const name of ['primary/a', 'primary/b']) acquireLock(state, name, 'one', lives);
  releaseLock(state, 'primary/a', 'one');
  expect(listLocks(state, lives).map(({ name }) => name)).toEqual(['primary/b']);
});
