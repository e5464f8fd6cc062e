import { mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { runLogFile } from '../../../../src/hub/runs/run-log/place.ts';
import { readRunLog } from '../../../../src/hub/runs/run-log/read-run-log.ts';
import { createRunLogs } from '../../../../src/hub/runs/run-log/run-logs.ts';
import type { RunEvent } from '../../../../src/schemas/types.ts';
import { temporaryFolder } from '../../../host/temporary-folder.ts';

const runId = '20261121T013000Z-4f3a9c';
const time = Date.UTC(2026, 10, 21, 1, 30);

const said = (message: string, more: object = {}): RunEvent =>
  ({ type: 'step.log', time, run_id: runId, step: 'transfer', level: 'info', message, ...more }) as RunEvent;
const moved = (at: number, phase = 'copy'): RunEvent =>
  ({
    type: 'step.progress',
    time: time + at,
    run_id: runId,
    step: 'transfer',
    disks: [{ disk: 'disk-0', phase, bytes_done: at, bytes_total: 100_000, rate: 1 }],
  }) as RunEvent;
const ended = { type: 'run.finished', time, run_id: runId } as RunEvent;

const eventsIn = (file: string): RunEvent[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);

test('a log has the events of its run, for its owner alone, in the folder of the month', async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  const logs = createRunLogs(state);
  logs.event(said('one'));
  logs.event(said('two', { run_id: '20261201T000000Z-000000' }));
  logs.event(ended);
  expect(await logs.settle(runId)).toBeNull();
  expect(await logs.settle('20261201T000000Z-000000')).toBeNull();
  const file = runLogFile(state, runId);
  expect(file).toBe(folder.file('logs/2026-11/20261121T013000Z-4f3a9c.jsonl'));
  expect(eventsIn(file)).toEqual([said('one'), ended]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  expect(eventsIn(folder.file('logs/2026-12/20261201T000000Z-000000.jsonl'))).toHaveLength(1);
});

test('of progress it has a line every ten seconds, and every new phase', async () => {
  await using folder = await temporaryFolder();
  const logs = createRunLogs(folder.file('state.db'));
  for (let at = 0; at <= 25_000; at += 100) logs.event(moved(at));
  logs.event(moved(25_050, 'digest'));
  logs.event(moved(25_100, 'digest'));
  await logs.settle(runId);
  const times = eventsIn(runLogFile(folder.file('state.db'), runId)).map((event) => event.time - time);
  expect(times).toEqual([0, 10_000, 20_000, 25_050]);
});

test('a full disk ends the log with one warning, and stops nothing', async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  const file = runLogFile(state, runId);
  mkdirSync(dirname(file), { recursive: true });
  symlinkSync('/dev/full', file);
  const logs = createRunLogs(state);
  for (let number = 0; number < 1000; number++) logs.event(said(`message ${number}`));
  const trouble = await logs.settle(runId);
  expect(trouble).toContain('ENOSPC');
  expect(trouble).toContain(file);
});

test('what a recovery says goes on in a line of its own after one that was cut off', async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  const logs = createRunLogs(state);
  logs.event(said('one'));
  await logs.settle(runId);
  await appendFile(runLogFile(state, runId), '{"type":"step.lo');
  const later = createRunLogs(state);
  later.event(said('undone'));
  await later.settle(runId);
  const read = await Array.fromAsync(readRunLog({ file: runLogFile(state, runId), follow: false, alive: () => false }));
  expect(read).toEqual([said('one'), said('undone')]);
});

test('a log that has no room left for messages keeps what happened', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  const logs = createRunLogs(state);
  const long = 'x'.repeat(1024 * 1024);
  for (let number = 0; number < 10; number++) logs.event(said(long));
  logs.event(ended);
  expect(await logs.settle(runId)).toMatch(/messages of run .* are not in its log/);
  expect(eventsIn(runLogFile(state, runId)).at(-1)).toEqual(ended);
});

test('a log is followed from before it is there until its run has ended', async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  const file = runLogFile(state, runId);
  const seen: RunEvent[] = [];
  const first = Promise.withResolvers<void>();
  const followed = (async () => {
    for await (const event of readRunLog({ file, follow: true, alive: () => true })) {
      seen.push(event);
      first.resolve();
    }
  })();
  const logs = createRunLogs(state);
  logs.event(said('größer'));
  await first.promise;
  logs.event(said('two'));
  logs.event(ended);
  await logs.settle(runId);
  await followed;
  expect(seen).toEqual([said('größer'), said('two'), ended]);
});

test('following ends where the process of the run is gone, with what it wrote', async () => {
  await using folder = await temporaryFolder();
  const state = folder.file('state.db');
  const logs = createRunLogs(state);
  logs.event(said('last words'));
  await logs.settle(runId);
  const file = runLogFile(state, runId);
  const read = await Array.fromAsync(readRunLog({ file, follow: true, alive: () => false }));
  expect(read).toEqual([said('last words')]);
  const missing = Array.fromAsync(readRunLog({ file: `${file}x`, follow: true, alive: () => false }));
  await expect(missing).rejects.toMatchObject({ code: 'ENOENT' });
});
