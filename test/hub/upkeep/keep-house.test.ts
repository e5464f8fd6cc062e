import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { copyState } from '../../../src/hub/upkeep/copy-state.ts';
import { keepHouse } from '../../../src/hub/upkeep/keep-house.ts';
import { runLogFile } from '../../../src/hub/runs/run-log/place.ts';
import { loadSettingsText } from '../../../src/plan/load-settings.ts';
import { faultsOfCopies } from '../../../src/repository/stored-files/state-copies.ts';
import { openRepository } from '../../../src/repository/open-repository.ts';
import type { UpkeepOutput } from '../../../src/schemas/types.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { acquireLock } from '../../../src/state/runs/locks.ts';
import { listRuns } from '../../../src/state/runs/runs.ts';
import { fillState } from '../../bench/many-points.ts';
import { addRuns, someRun, temporaryState, type TemporaryState } from '../../state/temporary-state.ts';
import { openDatabase } from '../../../src/state/database/sqlite.ts';

const day = 86_400_000;

async function house(temporary: TemporaryState, history = '{}'): Promise<(more?: object) => Promise<UpkeepOutput>> {
  const file = join(temporary.folder, 'sendense.yaml');
  const text = `state: ./sendense.db\nhistory: ${history}\nrepositories:\n  primary: { path: ./repository }\n  away: { path: ./away }\n`;
  const { settings, diagnostics } = loadSettingsText({ file, text });
  if (!settings) throw new Error(JSON.stringify(diagnostics));
  const repositoryPath = (name: string): string => join(temporary.folder, settings.repositories[name]?.path ?? name);
  await openRepository('primary', repositoryPath('primary'), false);
  return (more = {}) => keepHouse({ state: temporary.state, settings, repositoryPath, ...more });
}

function addLog(temporary: TemporaryState, name: string, age: number, bytes: number): string {
  const file = name.includes('Z-') ? runLogFile(temporary.path, name) : join(temporary.folder, 'logs', `${name}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'x'.repeat(bytes));
  const written = new Date(Date.now() - age);
  utimesSync(file, written, written);
  return file;
}

const copies = (temporary: TemporaryState): string[] =>
  readdirSync(join(temporary.folder, 'repository', '.sendense'))
    .filter((name) => !name.endsWith('.db.sha256'))
    .toSorted();

test('what is due is done once a day, by whatever process', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary);
  const now = Date.now();
  fillState(temporary.state, { vms: 1, points: 1, runs: 120, until: now });
  const first = await keep({ now });
  expect(first).toMatchObject({ troubles: [], copies: [{ repository: 'primary' }] });
  expect(first.runs_summarised).toBeGreaterThan(20);
  using other = openState(temporary.path);
  const again = await (await house({ ...temporary, state: other }))({ now: now + 60_000 });
  expect(again).toMatchObject({ copies: [], runs_summarised: 0 });
  expect((await keep({ now: now + day })).copies).toHaveLength(1);
  expect((await keep({ now: now + day + 1, force: true })).copies).toHaveLength(1);
});

test('logs go by age, and the oldest by size; those of runs that go on stay', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary, '{ keepLogs: 30d, maxLogBytes: 5KiB }');
  const open = '20260101T000000Z-00000a';
  createJournal(temporary.state, () => true).startRun(someRun(open));
  const kept = [
    addLog(temporary, '20261121T000000Z-000001', day, 2000),
    addLog(temporary, '20261120T000000Z-000002', 2 * day, 2000),
    addLog(temporary, open, 300 * day, 2000),
  ];
  const gone = [
    addLog(temporary, '20261119T000000Z-000003', 3 * day, 2000),
    addLog(temporary, '20260901T000000Z-000004', 80 * day, 10),
    addLog(temporary, 'job-transfer', 31 * day, 10),
  ];
  expect(await keep()).toMatchObject({ logs_removed: 3, log_bytes_freed: 2020, troubles: [] });
  for (const file of kept) expect(existsSync(file)).toBe(true);
  for (const file of gone) expect(existsSync(file)).toBe(false);
  expect(readdirSync(join(temporary.folder, 'logs')).toSorted()).toEqual(['2026-01', '2026-11']);
});

test('a copy is sound, for its owner alone, and knows of no run that goes on', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary);
  addRuns(temporary.state, 'open', 'unclean');
  const journal = createJournal(temporary.state, () => true);
  const end = { exitCode: 16, result: {}, error: null, warnings: [], published: false, finished: Date.now() };
  journal.finishRun('unclean', { ...end, status: 'failed', unclean: true });
  acquireLock(temporary.state, 'primary/pgtest1', 'open', () => true);
  const [copy] = (await keep()).copies;
  const path = copy?.path ?? '';
  expect(path).toMatch(/repository\/\.sendense\/state-[0-9]{8}-v[0-9]+-[0-9a-f]{8}\.db$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  expect(copies(temporary)).toHaveLength(1);
  const raw = openDatabase(path, { readonly: true });
  expect(raw.pragma('integrity_check', { simple: true })).toBe('ok');
  raw.close();
  using state = openState(path, { readOnly: true });
  expect(listRuns(state, { open: true })).toEqual([]);
  expect(
    listRuns(state)
      .map(({ id, status }) => `${id} ${status}`)
      .toSorted(),
  ).toEqual(['open crashed', 'unclean failed']);
  expect(state.all(state.query.selectFrom('locks').selectAll())).toEqual([]);
  expect(listRuns(temporary.state, { open: true })).toHaveLength(2);
});

test('the newest copies of this database stay, and those of another', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary, '{ stateCopies: 3 }');
  const folder = join(temporary.folder, 'repository', '.sendense');
  mkdirSync(folder);
  writeFileSync(join(folder, 'state-20200101-v4-deadbeef.db'), 'of a database that was lost');
  const now = Date.UTC(2026, 10, 1, 12);
  for (let number = 0; number < 5; number++) await keep({ now: now + number * day });
  const version = temporary.state.version;
  expect(copies(temporary).map((name) => name.slice(0, -12))).toEqual([
    'state-20200101-v4',
    ...['03', '04', '05'].map((date) => `state-202611${date}-v${version}`),
  ]);
});

test('a flipped bit in a copy is found, and its proof goes with it', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary, '{ stateCopies: 1 }');
  const root = join(temporary.folder, 'repository');
  const now = Date.UTC(2026, 10, 1, 12);
  await keep({ now });
  const [copy] = (await keep({ now: now + day })).copies;
  const path = copy?.path ?? '';
  expect(readdirSync(dirname(path)).toSorted()).toEqual([basename(path), `${basename(path)}.sha256`]);
  // One of before there were proofs.
  writeFileSync(join(dirname(path), 'state-20200101-v4-deadbeef.db'), 'of a database that was lost');
  expect(await faultsOfCopies(root)).toEqual([]);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 16;
  writeFileSync(path, bytes);
  expect(await faultsOfCopies(root)).toEqual([
    expect.stringContaining(`.sendense/${basename(path)} is damaged`) as string,
  ]);
  // Made anew on the same day it is sound.
  await keep({ now: now + day, force: true });
  expect(await faultsOfCopies(root)).toEqual([]);
});

test('after a change of the tables the copy is made at once, beside the one of before', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary);
  const now = Date.now();
  await keep({ now });
  temporary.state.run(
    temporary.state.query.updateTable('upkeep').set({ detail: '{"version":1}' }).where('task', '=', 'copy primary'),
  );
  expect((await keep({ now: now + 1000 })).copies).toHaveLength(1);
  expect((await keep({ now: now + 2000 })).copies).toHaveLength(0);
});

test('no copy is made where none is wanted', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary, '{ stateCopies: 0 }');
  expect((await keep()).copies).toEqual([]);
  expect(existsSync(join(temporary.folder, 'repository', '.sendense'))).toBe(false);
});

test('what cannot be done is told, leaves nothing behind, and keeps nothing else from being done', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary);
  const folder = join(temporary.folder, 'repository', '.sendense');
  writeFileSync(folder, 'a file where a folder should be');
  const old = addLog(temporary, '20260901T000000Z-000004', 80 * day, 10);
  const report = await keep();
  expect(report.troubles).toHaveLength(1);
  expect(report.troubles[0]).toContain('repository primary');
  expect(existsSync(old)).toBe(false);
  expect(readFileSync(folder, 'utf8')).toContain('a file');
});

test('a copy that fails half-way leaves no part of it', async () => {
  using temporary = temporaryState();
  addRuns(temporary.state, 'r1');
  await house(temporary);
  const failing = { ...temporary.state, copyTo: () => Promise.reject(new Error('broken')) };
  const root = join(temporary.folder, 'repository');
  const copying = copyState({ state: failing, hubId: '0123456789', root, keep: 7, now: Date.now() });
  await expect(copying).rejects.toThrow('broken');
  expect(copies(temporary)).toEqual([]);
});

test('a database is copied whole while others write it', async () => {
  using temporary = temporaryState();
  const keep = await house(temporary);
  fillState(temporary.state, { vms: 2, points: 30, runs: 100, until: Date.now() });
  using writer = openState(temporary.path);
  const copying = keep();
  let written = 0;
  const writing = (async () => {
    for (; written < 40; written++) {
      addRuns(writer, `while-${written}`);
      await new Promise(setImmediate);
    }
  })();
  const [report] = await Promise.all([copying, writing]);
  expect(report.troubles).toEqual([]);
  using state = openState(report.copies[0]?.path ?? '', { readOnly: true });
  expect(listRuns(state).length).toBeGreaterThan(0);
  expect(state.all(state.query.selectFrom('backups').select('backup_id'))).toHaveLength(60);
});
