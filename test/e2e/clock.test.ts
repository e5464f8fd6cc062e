import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NotifyHistoryOutput, SlotOutput, SlotsOutput, StatusOutput } from '../../src/schemas/types.ts';
import { daemonsOf, type Daemons } from './daemons.ts';
import { makeRaw, workspace, type Workspace } from './workspace.ts';

const hour = 3_600_000;
const preload = join(import.meta.dirname, '../support/moved-clock.mjs');

let work: Workspace;
let daemons: Daemons;
const until = (met: () => boolean | Promise<boolean>): Promise<void> => daemons.until(met);
beforeEach(async () => {
  work = await workspace();
  daemons = daemonsOf(work);
  await makeRaw(work.path('disk0.raw'), 1 << 20, [[0, 65_536]]);
});
afterEach(async () => {
  await daemons.end();
  await work[Symbol.asyncDispose]();
});

async function setClock(aheadMs: number): Promise<void> {
  await writeFile(work.path('clock.new'), String(aheadMs));
  await rename(work.path('clock.new'), work.path('clock'));
}

const daemon = (): unknown =>
  daemons.start([], { NODE_OPTIONS: `--import=${preload}`, MOVED_CLOCK: work.path('clock') });

async function stop(): Promise<void> {
  for (const { child } of daemons.all) child.kill('SIGTERM');
  await Promise.all(daemons.all.map(({ ended }) => ended));
}

const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await work.call(['--json', ...args])).stdout) as T;
const succeeded = async (): Promise<SlotOutput[]> =>
  (await json<SlotsOutput>('schedule', 'history', '--count', '1000')).slots.filter(
    ({ state }) => state === 'succeeded',
  );
/** A slot that a right clock has reached since `from`. */
const runsSince = async (from: number): Promise<boolean> =>
  (await succeeded()).some(({ slot }) => slot > from && slot <= Date.now());
const told = async (): Promise<string[]> =>
  (await json<NotifyHistoryOutput>('notify', 'history', '-n', '500')).notices
    .toReversed()
    .filter(({ event }) => event === 'clock')
    .map(({ message }) => message.replace(/:.*/s, ''));

test(
  'a clock that is ahead before the start and in the life of a daemon: it is an alarm, told, and slots go on',
  { timeout: 300_000 },
  async () => {
    await work.write(
      'nightly.yaml',
      `kind: backup
name: nightly
vm: { name: pgtest1, source: { type: image, disks: [{ path: disk0.raw }] } }
repository: primary
schedule: { cron: "*/3 * * * * *" }
`,
    );
    await setClock(400 * 24 * hour);
    daemon();
    await until(async () => (await succeeded()).some(({ slot }) => slot > Date.now() + 399 * 24 * hour));
    await stop();

    const status = await work.call(['--json', 'status']);
    expect(status.exitCode).toBe(1);
    const { plans, in_future: future } = JSON.parse(status.stdout) as StatusOutput;
    expect(plans).toMatchObject([{ plan: 'nightly', state: 'clock' }]);
    expect(future.map(({ what }) => what)).toEqual(['success', 'slot', 'restore-point']);
    const nagios = await work.call(['status', '--format', 'nagios']);
    expect([nagios.exitCode, nagios.stdout]).toEqual([
      2,
      expect.stringMatching(/^SENDENSE CRITICAL - .*in the future/),
    ]);

    // The clock is right: the next daemon takes up the slots, and the alarms end.
    await setClock(0);
    const right = Date.now();
    daemon();
    await until(() => runsSince(right));
    await until(async () => (await json<StatusOutput>('status')).in_future.length === 0);

    // Ahead and right again while it lives.
    await setClock(2 * hour);
    await until(async () =>
      (await succeeded()).some(({ slot }) => slot > Date.now() + hour && slot < Date.now() + 3 * hour),
    );
    await setClock(0);
    const again = Date.now();
    await until(() => runsSince(again));

    // And behind.
    await setClock(-2 * hour);
    await until(async () => (await told()).length >= 4);
    await setClock(0);
    const end = Date.now();
    await until(() => runsSince(end));
    expect((await told()).map((text) => text.replace(/\d+d/, 'days'))).toEqual([
      'the clock was set back by days',
      'the clock was set ahead by 2h',
      'the clock was set back by 2h',
      'the clock was set back by 2h',
      'the clock was set ahead by 2h',
    ]);
    await stop();
  },
);
