import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { thisProcess } from '../../../src/host/programs/process-identity.ts';
import { progressPages } from '../../../src/hub/pages/progress-pages.ts';
import { progressFile, progressFolder } from '../../../src/hub/runs/run-progress/place.ts';
import { progressReader, tidyProgress } from '../../../src/hub/runs/run-progress/read-progress.ts';
import { createProgressFiles } from '../../../src/hub/runs/run-progress/write-progress.ts';
import type { RunEvent } from '../../../src/schemas/types.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { temporaryState } from '../../state/temporary-state.ts';

const runId = '20261121T013000Z-4f3a9c';
const patience = { timeout: 200_000, interval: 5 };

const begun = { type: 'step.started', time: 1, run_id: runId, step: 'transfer', title: 'Copy the disks' } as RunEvent;
const disk = { disk: 'disk-0', phase: 'copying', bytes_done: 0, bytes_total: 1000, rate: 100 };
const moved = (bytes: number): RunEvent => ({
  type: 'step.progress',
  time: 1 + bytes,
  run_id: runId,
  step: 'transfer',
  disks: [{ ...disk, bytes_done: bytes }],
});
const ended = { type: 'run.finished', time: 9000, run_id: runId } as RunEvent;

test('a run says how far it is in a small file of its owner, which goes with it', async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  const files = createProgressFiles(state, 5);
  const reader = progressReader(state);
  expect([await reader.mark(), await reader.of(runId)]).toEqual(['', null]);
  files.event(begun);
  await vi.waitUntil(async () => (await reader.of(runId))?.title === 'Copy the disks', patience);
  const before = await reader.mark();
  for (let bytes = 0; bytes <= 500; bytes++) files.event(moved(bytes));
  await vi.waitUntil(async () => (await reader.of(runId))?.time === 501, patience);
  expect(await reader.of(runId)).toEqual({
    version: 1,
    run_id: runId,
    step: 'transfer',
    title: 'Copy the disks',
    time: 501,
    disks: [{ ...disk, bytes_done: 500 }],
    overall: null,
  });
  expect(await reader.mark()).not.toBe(before);
  expect(statSync(progressFile(state, runId)).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(progressFile(state, runId))).mode & 0o777).toBe(0o700);
  files.event(moved(600));
  files.event(ended);
  await files.settle(runId);
  expect(readdirSync(progressFolder(state))).toEqual([]);
  expect(await reader.of(runId)).toBeNull();
});

test('a run that has ended before its first word was written writes none', async () => {
  await using folder = await temporaryFolder();
  const files = createProgressFiles(folder.file('state.db'), 60_000);
  files.event(begun);
  files.event(moved(1));
  files.event(ended);
  await files.settle(runId);
  expect(readdirSync(folder.path)).toEqual([]);
});

test('a disk that cannot be written to stops nothing, and what stands there is no progress', async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  // Nobody can write below it, and nothing that was there is read.
  writeFileSync(folder.file('progress'), '');
  const files = createProgressFiles(state, 1);
  files.event(moved(1));
  files.event(ended);
  await files.settle(runId);
  await using other = await temporaryFolder();
  const reader = progressReader(other.file('state.db'));
  mkdirSync(progressFolder(other.file('state.db')));
  const file = progressFile(other.file('state.db'), runId);
  for (const text of ['', '{', '[]', JSON.stringify({ version: 1, run_id: runId, disks: 'x' })]) {
    writeFileSync(file, text);
    expect(await reader.of(runId), text).toBeNull();
  }
  symlinkSync('/etc/passwd', progressFile(other.file('state.db'), 'r2'));
  expect(await reader.of('r2')).toBeNull();
});

test('only runs that go on are told, as the sum of their disks; upkeep removes what dead ones left', async () => {
  using at = temporaryState();
  const journal = createJournal(at.state, () => false);
  const run = { plan: 'nightly', kind: 'backup', planFile: '', planFolder: '', lock: null };
  for (const [id, vm, owner] of [
    ['r1', 'web01', thisProcess()],
    ['r2', 'web02', { ...thisProcess(), start_time: '1' }],
    ['r3', 'web03', thisProcess()],
  ] as const)
    journal.startRun({ ...run, id, vm, owner, started: 5 });
  const pages = progressPages(at.state);
  mkdirSync(progressFolder(at.path));
  for (const id of ['r1', 'r2', 'gone'])
    writeFileSync(
      progressFile(at.path, id),
      JSON.stringify({
        version: 1,
        run_id: id,
        step: 'transfer',
        title: 'Copy the disks',
        time: 7,
        disks: [disk, { ...disk, disk: 'disk-1', bytes_done: 400 }],
        overall: null,
      }),
    );
  writeFileSync(join(progressFolder(at.path), 'r9.json.part'), '');
  const { runs } = await pages.progress({});
  expect(runs.map(({ run_id: id }) => id)).toEqual(['r1']);
  expect(runs[0]).toMatchObject({ vm: 'web01', bytes_done: 400, bytes_total: 2000, rate: 200, time: 7 });
  expect((await pages.progress({ sees: (vm) => vm === 'web02' })).runs).toEqual([]);
  expect((await pages.runProgress('r2')).step).toBeNull();
  expect((await pages.runProgress('r3')).disks).toEqual([]);
  await expect(pages.runProgress('ghost')).rejects.toMatchObject({ code: 'run.unknown' });
  await tidyProgress(at.path, new Set(['r1', 'r2', 'r3']));
  expect(readdirSync(progressFolder(at.path)).toSorted()).toEqual(['r1.json', 'r2.json']);
});
