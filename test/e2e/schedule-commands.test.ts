import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ListOutput, SchedulesOutput, SlotsOutput } from '../../src/schemas/types.ts';
import { makeRaw, program, sameBytes, workspace, type Workspace } from './workspace.ts';

const dayMs = 86_400_000;

let work: Workspace;
beforeEach(async () => {
  work = await workspace();
  await makeRaw(work.path('disk0.raw'), 4 << 20, [[0, 65_536]]);
});
afterEach(() => work[Symbol.asyncDispose]());

const plan = (schedule: string): string => `kind: backup
name: nightly
vm: { name: pgtest1, source: { type: image, disks: [{ path: disk0.raw }] } }
repository: primary
schedule: ${schedule}
`;

const json = async <T>(...args: string[]): Promise<T> => {
  const { exitCode, stdout, stderr } = await work.call(['--json', ...args]);
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout) as T;
};
const points = async (): Promise<number> => (await json<ListOutput>('list')).points.length;
const history = async (): Promise<SlotsOutput['slots']> => (await json<SlotsOutput>('schedule', 'history')).slots;

test('backfill shows and runs the slots of the past that had no run, each once', { timeout: 300_000 }, async () => {
  await work.write('nightly.yaml', plan('{ cron: "0 0 * * *", timezone: Etc/UTC, enabled: true }'));
  const midnight = Math.floor(Date.now() / dayMs) * dayMs;
  const from = new Date(midnight - 2 * dayMs).toISOString().replace('.000', '');
  const backfill = (...more: string[]): Promise<SlotsOutput> =>
    json<SlotsOutput>('schedule', 'backfill', 'nightly.yaml', '--from', from, ...more);

  const dry = await backfill('--dry-run');
  expect(dry.slots.map(({ slot, state }) => [slot, state])).toEqual(
    [2, 1, 0].map((days) => [midnight - days * dayMs, 'waiting']),
  );
  expect(await points()).toBe(0);
  expect(await history()).toEqual([]);

  const latest = await backfill('--latest');
  expect(latest.slots).toMatchObject([{ slot: midnight, state: 'succeeded', trigger: 'backfill' }]);
  expect(await points()).toBe(1);

  const rest = await backfill('--to', new Date(midnight - 2 * dayMs).toISOString().replace('.000', ''));
  expect(rest.slots).toMatchObject([{ slot: midnight - 2 * dayMs, state: 'succeeded', trigger: 'backfill' }]);
  const again = await backfill('--dry-run');
  expect(again.slots.map(({ slot }) => slot)).toEqual([midnight - dayMs]);
  expect(await points()).toBe(2);

  const wrong = await work.call(['schedule', 'backfill', 'nightly.yaml', '--from', 'yesterday']);
  expect(wrong.exitCode).toBe(2);
});

test('what a timer starts runs what is due, once, and says when nothing is', { timeout: 300_000 }, async () => {
  await work.write('nightly.yaml', plan('{ cron: "0 0 * * 0", catchUp: latest, catchUpWindow: 8d }'));
  const timer = () => work.call(['schedule', 'run', '--timer', 'nightly.yaml']);
  const first = await timer();
  expect(first.exitCode, first.stderr).toBe(0);
  const [slot, ...others] = await history();
  expect(others).toEqual([]);
  expect(slot?.state).toBe('succeeded');
  expect(['timer', 'catch-up']).toContain(slot?.trigger);
  expect(await points()).toBe(1);

  expect(await timer()).toMatchObject({ exitCode: 0, stdout: 'nightly.yaml: nothing is due' });
  expect(await points()).toBe(1);

  // Paused, it runs nothing either; a second pause without a reason keeps the first one's.
  await json('schedule', 'pause', 'nightly', '--reason', 'storage moves');
  const { schedules } = await json<SchedulesOutput>('schedule', 'pause', 'nightly');
  expect(schedules).toMatchObject([{ paused: { reason: 'storage moves' } }]);
});

test('SIGHUP lets a daemon read settings and plans again, and go on', { timeout: 300_000 }, async () => {
  await work.write('nightly.yaml', plan('{ cron: "0 3 1 1 *" }'));
  const words = [program, '--config', work.path('sendense.yaml'), 'daemon', work.folder, '--poll', '1h'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit');
  const until = async (text: string): Promise<void> => {
    for (const end = Date.now() + 60_000; !said.includes(text); await delay(50))
      if (Date.now() > end || child.exitCode !== null) throw new Error(`waited in vain for ${text}\n${said}`);
  };
  try {
    await until('plans are scheduled');
    child.kill('SIGHUP');
    await until('settings and plans are read again');
    // It goes on: a plan that comes later is found without waiting for the hour.
    await work.write('weekly.yaml', plan('{ cron: "0 4 1 1 *" }').replace('nightly', 'weekly'));
    child.kill('SIGHUP');
    await until('"plans":2');
    child.kill('SIGTERM');
    await ended;
    expect(child.exitCode).toBe(0);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  expect((await json<SchedulesOutput>('schedule', 'list')).schedules).toMatchObject([
    { plan: 'nightly' },
    { plan: 'weekly' },
  ]);
});

test('a repository that repo copy made restores what the first one holds', { timeout: 300_000 }, async () => {
  await work.write(
    'sendense.yaml',
    'state: ./state/sendense.db\nrepositories: { primary: { path: ./repository }, second: { path: ./second } }\n',
  );
  await work.write('backup.yaml', plan('{ cron: "0 3 1 1 *" }'));
  for (const byte of [1, 2]) {
    await makeRaw(work.path('disk0.raw'), 4 << 20, [[byte * 65_536, 65_536]]);
    expect((await work.run('backup.yaml')).exitCode).toBe(0);
  }
  await json('repo', 'copy', 'pgtest1', '--from', 'primary', '--to', 'second');
  // The first one is lost.
  await rm(work.path('repository'), { recursive: true });
  const restored = await work.call(['restore', 'pgtest1', '--repository', 'second', '--to', work.path('restored')]);
  expect(restored.exitCode, restored.stderr).toBe(0);
  expect(await sameBytes(work.path('restored/disk-0.raw'), work.path('disk0.raw'))).toBe(true);
});
