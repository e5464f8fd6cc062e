import { describe, expect, test } from 'vitest';
import type { Journal, JournalEntry, RunEnd } from '../../../src/engine/journal.ts';
import { stepEvents, stepTransitions, type StepEvent } from '../../../src/engine/step-transitions.ts';
import { thisProcess } from '../../../src/host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../../src/schemas/types.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { listLocks } from '../../../src/state/runs/locks.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { allocatePorts, listLeases } from '../../../src/state/runs/port-leases.ts';
import { findRun, listRuns, listSteps } from '../../../src/state/runs/runs.ts';
import { someRun, temporaryState } from '../temporary-state.ts';

const me = thisProcess();
const dead: ProcessIdentity = { ...me, start_time: '1' };
const isRunning = (identity: ProcessIdentity): boolean => identity.start_time !== '1';
const error = { code: 'tool.failed', message: 'm', remedy: 'r', position: null };

const entryOf = (event: StepEvent): JournalEntry => {
  if (event === 'started') return { event, uses: 'a.b', number: 0, attempt: 1, claim: { n: 1 } };
  if (event === 'succeeded') return { event, output: null };
  if (event === 'failed' || event === 'undo_failed') return { event, error };
  return { event };
};

const end = (more: Partial<RunEnd> = {}): RunEnd => ({
  status: 'succeeded',
  exitCode: 0,
  result: { backup_id: 'b1' },
  error: null,
  warnings: [],
  published: true,
  unclean: false,
  finished: 1_700_000_001_000,
  ...more,
});

/** A way of events that brings a step into each state. */
const ways: Record<'none' | StepEvent, StepEvent[]> = {
  none: [],
  started: ['started'],
  succeeded: ['started', 'succeeded'],
  failed: ['started', 'failed'],
  undo_started: ['started', 'undo_started'],
  undo_finished: ['started', 'failed', 'undo_started', 'undo_finished'],
  undo_failed: ['started', 'succeeded', 'undo_started', 'undo_failed'],
};

describe('record', () => {
  for (const from of ['none', ...stepEvents] as const) {
    for (const event of stepEvents) {
      const legal = stepTransitions[from].includes(event);
      test(`${from} -> ${event} ${legal ? 'is recorded' : 'throws and changes nothing'}`, () => {
        using temporary = temporaryState();
        const journal = createJournal(temporary.state, isRunning);
        journal.startRun(someRun('r1'));
        for (const before of ways[from]) journal.record('r1', 's', entryOf(before));
        if (legal) {
          journal.record('r1', 's', entryOf(event));
          expect(journal.stepsOf('r1')[0]?.state).toBe(event);
        } else {
          expect(() => journal.record('r1', 's', entryOf(event))).toThrow(
            expect.objectContaining({
              code: 'run.internal',
              message: expect.stringContaining(`from ${from} to ${event}`),
            }),
          );
          expect(journal.stepsOf('r1')[0]?.state).toBe(from === 'none' ? undefined : from);
        }
      });
    }
  }

  test('keeps claim, facts, output and errors, and the claim of the first attempt', () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    journal.startRun(someRun('r1'));
    journal.record('r1', 's', { event: 'started', uses: 'a.b', number: 0, attempt: 1, claim: { file: '/x' } });
    journal.remember('r1', 's', 'process', { pid: 1 });
    journal.remember('r1', 's', 'process', { pid: 2 });
    journal.remember('r1', 's', 'zero', 0);
    for (const event of ['failed', 'undo_started', 'undo_finished'] as const) journal.record('r1', 's', entryOf(event));
    journal.record('r1', 's', { event: 'started', uses: 'a.b', number: 0, attempt: 2, claim: { file: '/y' } });
    journal.record('r1', 's', { event: 'succeeded', output: false });
    using other = openState(temporary.path);
    expect(createJournal(other, isRunning).stepsOf('r1')).toEqual([
      {
        stepId: 's',
        uses: 'a.b',
        state: 'succeeded',
        claim: { file: '/x' },
        remembered: { process: { pid: 2 }, zero: 0 },
      },
    ]);
    expect(listSteps(other, 'r1')).toMatchObject([{ id: 's', attempt: 2, output: false, error }]);
  });

  test('steps come in the order of the pipeline', () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    journal.startRun(someRun('r1'));
    for (const [number, id] of ['z', 'm', 'a'].entries()) {
      journal.record('r1', id, { event: 'started', uses: 'a.b', number, attempt: 1, claim: null });
    }
    expect(journal.stepsOf('r1').map(({ stepId }) => stepId)).toEqual(['z', 'm', 'a']);
  });
});

describe('startRun', () => {
  const lock = 'primary/pgtest1';
  const start = (journal: Journal, id: string, owner: ProcessIdentity = me) =>
    journal.startRun(someRun(id, { lock, owner, started: Number(id.slice(1)) }));

  test('is refused while a live run holds the lock, and leaves no trace', () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    expect(start(journal, 'r1')).toEqual({ started: true });
    expect(start(journal, 'r2')).toMatchObject({
      started: false,
      holder: { name: lock, runId: 'r1', alive: true, owner: me },
    });
    expect(listRuns(temporary.state).map(({ id }) => id)).toEqual(['r1']);
    expect(journal.startRun(someRun('r3', { lock: 'primary/other' }))).toEqual({ started: true });
  });

  test('names a dead holder, whose recovery frees the lock', () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    start(journal, 'r1', dead);
    expect(start(journal, 'r2')).toMatchObject({ started: false, holder: { runId: 'r1', alive: false } });
    journal.finishRun('r1', end({ status: 'crashed', unclean: true }));
    expect(start(journal, 'r2')).toEqual({ started: true });
    expect(listLocks(temporary.state, isRunning)).toMatchObject([{ name: lock, runId: 'r2' }]);
  });

  test('the end of a run frees its lock and its ports', async () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    start(journal, 'r1');
    const ports = { count: 2, from: 10_100, to: 10_109, owner: { runId: 'r1', stepId: 'p' }, isFree: () => true };
    await allocatePorts(temporary.state, ports);
    journal.finishRun('r1', end());
    expect(listLocks(temporary.state, isRunning)).toEqual([]);
    expect(listLeases(temporary.state)).toEqual([]);
    expect(findRun(temporary.state, 'r1')).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
      result: { backup_id: 'b1' },
    });
  });

  test('the ports of an unclean run stay leased until a recovery cleans up', async () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    start(journal, 'r1');
    const ports = { count: 2, from: 10_100, to: 10_109, owner: { runId: 'r1', stepId: 'p' }, isFree: () => true };
    await allocatePorts(temporary.state, ports);
    journal.finishRun('r1', end({ status: 'failed', unclean: true }));
    expect(listLeases(temporary.state)).toHaveLength(2);
    expect(journal.claimRecovery('r1', me)).toBe(true);
    journal.finishRecovery('r1', false);
    expect(listLeases(temporary.state)).toEqual([]);
    expect(journal.recoverableRuns()).toEqual([]);
  });
});

describe('claimRecovery', () => {
  const other: ProcessIdentity = { ...me, start_time: '2' };

  test('only for a run whose owner died, and only for one recoverer at a time', () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    journal.startRun(someRun('live'));
    journal.startRun(someRun('dead', { owner: dead }));
    expect(journal.recoverableRuns().map(({ id }) => id)).toEqual(['dead', 'live']);
    expect(journal.claimRecovery('live', me)).toBe(false);
    expect(journal.claimRecovery('nobody', me)).toBe(false);
    expect(journal.claimRecovery('dead', other)).toBe(true);
    expect(journal.claimRecovery('dead', me)).toBe(false);
    journal.finishRun('dead', end({ status: 'crashed' }));
    expect(journal.claimRecovery('dead', me)).toBe(false);
  });

  test('a recovery whose process died can be taken over', () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    journal.startRun(someRun('r1', { owner: dead }));
    expect(journal.claimRecovery('r1', dead)).toBe(true);
    expect(journal.claimRecovery('r1', me)).toBe(true);
  });

  test('an unclean run can be recovered although its owner lives', () => {
    using temporary = temporaryState();
    const journal = createJournal(temporary.state, isRunning);
    journal.startRun(someRun('r1'));
    journal.finishRun('r1', end({ status: 'failed', unclean: true }));
    expect(journal.recoverableRuns()).toMatchObject([{ id: 'r1', open: false }]);
    expect(journal.claimRecovery('r1', me)).toBe(true);
    expect(journal.claimRecovery('r1', me)).toBe(false);
    journal.finishRecovery('r1', true);
    expect(journal.claimRecovery('r1', me)).toBe(true);
  });
});
