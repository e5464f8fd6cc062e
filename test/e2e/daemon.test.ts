import { rm, symlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type {
  ListOutput,
  NotifyHistoryOutput,
  SchedulesOutput,
  SlotOutput,
  SlotsOutput,
} from '../../src/schemas/types.ts';
import { processesNaming } from '../support/processes.ts';
import { daemonsOf, type Daemon, type Daemons } from './daemons.ts';
import { defaultSettings, makeRaw, workspace, type Workspace } from './workspace.ts';

let work: Workspace;
let daemons: Daemons;
const daemon = (...args: string[]): Daemon => daemons.start(['--poll', '1s', ...args]);
const until = (met: () => boolean | Promise<boolean>): Promise<void> => daemons.until(met);
beforeEach(async () => {
  work = await workspace();
  daemons = daemonsOf(work);
  await makeRaw(work.path('disk0.raw'), 4 << 20, [[0, 65_536]]);
});
afterEach(async () => {
  await daemons.end();
  await work[Symbol.asyncDispose]();
});

const plan = (schedule: string, more = ''): string => `kind: backup
name: nightly
vm: { name: pgtest1, source: { type: image, disks: [{ path: disk0.raw }] } }
repository: primary
schedule: ${schedule}
${more}`;

const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await work.call(['--json', ...args])).stdout) as T;
const slots = async (): Promise<SlotOutput[]> =>
  (await json<SlotsOutput>('schedule', 'history', '--count', '1000')).slots.toReversed();
const schedules = async () => (await json<SchedulesOutput>('schedule', 'list')).schedules;
const points = async () => (await json<ListOutput>('list')).points;

test('two daemons run each slot of a real plan once, and stop when they are told', { timeout: 300_000 }, async () => {
  await work.write('nightly.yaml', plan('{ cron: "*/3 * * * * *", overlap: skip }'));
  daemon();
  daemon();
  await until(async () => (await slots()).filter(({ state }) => state === 'succeeded').length >= 3);
  for (const { child } of daemons.all) child.kill('SIGTERM');
  await Promise.all(daemons.all.map(({ ended }) => ended));
  expect(daemons.all.map(({ child }) => child.exitCode)).toEqual([0, 0]);
  const done = (await slots()).filter(({ state }) => state === 'succeeded');
  // One restore point for each slot, each run once.
  expect(new Set(done.map(({ run_id }) => run_id)).size).toBe(done.length);
  expect((await points()).length).toBe(done.length);
});

test(
  'an invalid edit leaves the last good plan in force, over a restart too; a removed file ends it',
  { timeout: 300_000 },
  async () => {
    await work.write('nightly.yaml', plan('{ cron: "0 3 * * *" }'));
    const first = daemon();
    await until(async () => (await schedules()).length === 1);
    await work.write('nightly.yaml', plan('{ cron: "0 33 * * *" }'));
    await until(async () => (await schedules())[0]?.error !== null);
    expect((await schedules())[0]).toMatchObject({ cron: '0 3 * * *', error: { code: 'plan.invalid' } });
    first.child.kill('SIGTERM');
    await first.ended;

    daemon();
    await until(() => daemons.all[1]?.log().includes('plans are scheduled') ?? false);
    expect((await schedules())[0]).toMatchObject({ cron: '0 3 * * *', error: { code: 'plan.invalid' } });
    // With the text in force, not with what the file holds now.
    const run = await work.call(['--json', 'schedule', 'run', 'nightly']);
    expect(run.exitCode, run.stderr).toBe(0);
    expect((await slots()).map(({ state, trigger }) => [state, trigger])).toEqual([['succeeded', 'manual']]);
    await rm(work.path('nightly.yaml'));
    await until(async () => (await schedules()).length === 0);
  },
);

test(
  'an emptied file leaves its plan in force; settings that no run can begin with are told',
  { timeout: 300_000 },
  async () => {
    await work.write('nightly.yaml', plan('{ cron: "0 3 * * *" }'));
    const { log } = daemon();
    await until(async () => (await schedules()).length === 1);
    // What an editor that died, or a full disk, leaves behind; then a plan that was cut off.
    for (const text of ['', 'kind: backup\nname: nightly\n']) {
      await work.write('nightly.yaml', text);
      await until(async () => (await schedules())[0]?.error?.message.includes(text === '' ? 'nothing' : 'vm') === true);
      expect(await schedules()).toMatchObject([{ cron: '0 3 * * *', error: { code: 'plan.invalid' } }]);
    }
    // A file that could not be read is read again, though it does not change.
    const away = work.path('away');
    await rm(work.path('nightly.yaml'));
    await symlink(away, work.path('nightly.yaml'));
    await until(async () => (await schedules())[0]?.error?.message.includes('cannot be read') === true);
    await writeFile(away, plan('{ cron: "0 3 * * *" }'));
    await until(async () => (await schedules())[0]?.error === null);
    await rm(work.path('nightly.yaml'));
    // A valid plan without a schedule is meant.
    await work.write('nightly.yaml', plan('{ cron: "0 3 * * *" }').replace(/schedule.*\n/, ''));
    await until(async () => (await schedules()).length === 0);

    // Empty for a moment, as while somebody writes them: nothing is told of it.
    await work.write('sendense.yaml', '');
    await delay(200);
    await work.write('sendense.yaml', defaultSettings);
    await delay(200);
    await work.write('sendense.yaml', `${defaultSettings}foo: bar\n`);
    await until(() => log().includes('no run can begin until they are valid'));
    await work.write('sendense.yaml', defaultSettings);
    const { notices } = await json<NotifyHistoryOutput>('notify', 'history');
    const told = notices.filter(({ message }) => message.includes('the settings are invalid'));
    expect(told).toMatchObject([{ event: 'invalid-plan', plan: null }]);
  },
);

test('a second plan of a name is refused, and the first stays', { timeout: 300_000 }, async () => {
  await work.write('a.yaml', plan('{ cron: "0 3 * * *" }'));
  const { log, child, ended } = daemon();
  await until(async () => (await schedules()).length === 1);
  await work.write('b.yaml', plan('{ cron: "0 4 * * *" }'));
  await until(() => log().includes('a plan named nightly is in'));
  expect(await schedules()).toMatchObject([{ cron: '0 3 * * *', file: work.path('a.yaml') }]);
  const duplicates = async (): Promise<unknown[]> =>
    (JSON.parse((await work.call(['--json', 'schedule', 'list'])).stdout) as SchedulesOutput).duplicates;
  const refused = [{ file: work.path('b.yaml'), plan: 'nightly', error: { code: 'schedule.duplicate' } }];
  // It says so before it writes it down.
  await until(async () => (await duplicates()).length === 1);
  expect(await duplicates()).toMatchObject(refused);
  expect((await work.call(['schedule', 'list'])).stdout).toContain('b.yaml is not in force');

  // It is known over a restart, and forgotten once the file is gone.
  child.kill('SIGTERM');
  await ended;
  daemon();
  await until(() => daemons.all[1]?.log().includes('plans are scheduled') ?? false);
  expect(await duplicates()).toMatchObject(refused);
  await rm(work.path('b.yaml'));
  await until(async () => (await duplicates()).length === 0);
  expect(await schedules()).toMatchObject([{ cron: '0 3 * * *', file: work.path('a.yaml') }]);
});

test('SIGTERM lets a run end as long as --drain says, then stops it and cleans up', { timeout: 300_000 }, async () => {
  const slow = plan('{ cron: "*/5 * * * * *" }', 'before: [{ run: [sleep, "600"] }]\n');
  await work.write('nightly.yaml', slow);
  const { child, ended } = daemon('--drain', '1s');
  await until(async () => (await slots()).some(({ state }) => state === 'running'));
  await until(() => processesNaming('sleep 600').length > 0);
  child.kill('SIGTERM');
  await ended;
  expect(child.exitCode).toBe(0);
  expect((await slots()).find(({ run_id }) => run_id !== null)?.state).toBe('cancelled');
});

test('kill -9 of the daemon: its run ends by itself, and the next daemon knows how', { timeout: 300_000 }, async () => {
  await work.write('nightly.yaml', plan('{ cron: "*/5 * * * * *" }', 'before: [{ run: [sleep, "3"] }]\n'));
  const first = daemon();
  await until(async () => (await slots()).some(({ state }) => state === 'running'));
  first.child.kill('SIGKILL');
  await first.ended;
  const [slot] = (await slots()).filter(({ run_id }) => run_id !== null);
  await until(async () => (await points()).length === 1);
  await work.write('nightly.yaml', plan('{ cron: "0 3 1 1 *" }'));
  daemon();
  await until(async () => (await slots()).some((other) => other.slot === slot?.slot && other.state === 'succeeded'));
  expect((await points()).length).toBe(1);
});
