import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import type { NewRun, RunEnd } from '../../src/engine/journal.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { openState, type State } from '../../src/state/database/open-state.ts';
import type { SlotRecord } from '../../src/state/schedules/schedule-slots.ts';

export interface TemporaryState extends Disposable {
  readonly folder: string;
  readonly path: string;
  readonly state: State;
}

/** A database in a folder of its own, both gone afterwards. */
export function temporaryState(): TemporaryState {
  const folder = mkdtempSync(join(tmpdir(), 'sendense-state-'));
  const path = join(folder, 'sendense.db');
  const state = openState(path);
  return {
    folder,
    path,
    state,
    [Symbol.dispose]: () => {
      state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const someRun = (id: string, more: Partial<NewRun> = {}): NewRun => ({
  id,
  plan: 'nightly',
  kind: 'backup',
  vm: 'pgtest1',
  planFile: '/plans/nightly.yaml',
  planFolder: '/plans',
  owner: thisProcess(),
  started: 1_700_000_000_000,
  lock: null,
  ...more,
});

export const someEnd = (finished: number, more: Partial<RunEnd> = {}): RunEnd => ({
  status: 'succeeded',
  exitCode: 0,
  result: {},
  error: null,
  warnings: [],
  published: true,
  unclean: false,
  finished,
  ...more,
});

export const someSlot = (plan: string, at: number, more: Partial<SlotRecord> = {}): SlotRecord => ({
  plan,
  slot: at,
  state: 'running',
  reason: null,
  trigger: 'schedule',
  kind: 'backup',
  node: null,
  repository: 'primary',
  runId: null,
  owner: null,
  decided: at,
  ...more,
});

/** Enters runs, so that leases and the like have an owner. */
export function addRuns(state: State, ...ids: string[]): void {
  const journal = createJournal(state, () => true);
  for (const id of ids) journal.startRun(someRun(id));
}
