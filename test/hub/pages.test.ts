import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Page, PageRequest } from '../../src/api/paging.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import { isDaemonAlive } from '../../src/hub/schedule/daemon-alive.ts';
import { thisPlace, thisProcess } from '../../src/host/programs/process-identity.ts';
import { raiseNotice } from '../../src/state/notices/notices.ts';
import { setMarks } from '../../src/state/points/point-marks.ts';
import { daemons, enterDaemon } from '../../src/state/schedules/daemons.ts';
import { acceptPlan } from '../../src/state/schedules/schedules.ts';
import { troubles } from '../../src/hub/pages/troubles.ts';
import { rememberedAnswers } from '../../src/hub/routes/remembered.ts';
import { runLogFile } from '../../src/hub/runs/run-log/place.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { watchPlan } from '../../src/state/schedules/plan-health.ts';
import { fillState } from '../bench/many-points.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

const until = Date.now() - 3_600_000;
const dayMs = 86_400_000;

interface FilledHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly statePath: string;
}

/** Three VMs with five restore points and runs each; plans protect two of them, one of which is late. */
async function filledHub(): Promise<FilledHub> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  await writeFile(folder.file('sendense.yaml'), 'repositories: { primary: { path: ./repository } }\n');
  const statePath = join(folder.path, 'state/sendense.db');
  const embeddedNode = (): Promise<never> => Promise.reject(new Error('no node is embedded in this test'));
  const hub = stack.use(await openHub({ startFolder: folder.path, embeddedNode }));
  {
    using state = openState(statePath);
    fillState(state, { vms: 3, points: 5, runs: 5, until });
    for (const [vm, rpo] of [
      ['vm0000', 30 * dayMs],
      ['vm0001', 3_600_000],
    ] as const) {
      const file = folder.file(`${vm}.yaml`);
      await writeFile(file, '');
      watchPlan(state, {
        plan: `${vm}-nightly`,
        kind: 'backup',
        vm,
        repository: 'primary',
        file,
        notify: undefined,
        rpo,
      });
    }
  }
  const owned = stack.move();
  return { hub, statePath, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** All entries, page by page. */
async function all<Entry>(
  limit: number,
  page: (request: PageRequest) => Page<Entry> | Promise<Page<Entry>>,
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (let after: PageRequest['after'] = null; ;) {
    const { entries, next } = await page({ limit, after });
    found.push(...entries);
    if (next === null) return found;
    after = next;
  }
}

test('pages hold every entry once, whatever their size, as the command line shows them', async () => {
  await using at = await filledHub();
  const { pages } = at.hub;
  const { points: listed } = await at.hub.list({});
  const { runs } = await at.hub.history({ limit: 100 });
  for (const limit of [1, 4, 100]) {
    const points = await all(limit, (page) => pages.points({}, page));
    expect(points.toSorted((a, b) => a.created - b.created)).toEqual(listed.toSorted((a, b) => a.created - b.created));
    expect(await all(limit, (page) => pages.runs({}, page))).toEqual(runs);
    expect((await all(limit, (page) => pages.vms({ days: 0, offsetMinutes: 0 }, page))).map(({ vm }) => vm)).toEqual([
      'vm0000',
      'vm0001',
      'vm0002',
    ]);
  }
  const one = await all(2, (page) => pages.points({ vm: 'vm0001' }, page));
  expect(one.toReversed()).toEqual((await at.hub.list({ vm: 'vm0001' })).points);
  expect(await pages.point(one[0]?.backup_id ?? '', {})).toMatchObject({ vm: 'vm0001', chain_length: 5 });
  const failed = await all(1, (page) => pages.runs({ status: ['failed'] }, page));
  expect(failed).toEqual(runs.filter(({ status }) => status === 'failed'));
});

test('who may know of some VMs sees nothing of the others', async () => {
  await using at = await filledHub();
  const { pages } = at.hub;
  const sees = (vm: string): boolean => vm === 'vm0001';
  const page = { limit: 100, after: null };
  const said = JSON.stringify([
    (await pages.points({ sees }, page)).entries,
    pages.runs({ sees }, page),
    pages.vms({ sees, days: 7, offsetMinutes: 0 }, page),
    pages.plans({ sees }, page),
    pages.schedules({ sees }, page),
    pages.notices({ sees }, page),
    await pages.status({ sees }),
  ]);
  expect(said).toContain('vm0001');
  expect(said).not.toMatch(/vm000[02]/);
  const [other] = (await pages.points({ vm: 'vm0002' }, page)).entries;
  await expect(pages.point(other?.backup_id ?? '', { sees })).rejects.toThrow('no restore point');
});

test('the status says how many VMs are protected, and what is wrong in words', async () => {
  await using at = await filledHub();
  const status = await at.hub.pages.status({});
  expect(status.sentence).toBe('1 of 2 VMs are protected as their plans want.');
  expect(status.vms).toMatchObject({ total: 2, protected: 1, late: 1, unplanned: 1 });
  expect(status.wrong).toContainEqual(
    expect.objectContaining({
      kind: 'late',
      vm: 'vm0001',
      message: expect.stringMatching(/is .* old; its plan wants/),
    }),
  );
  const found = at.hub.pages.vm('vm0000', { days: 3, offsetMinutes: 0 });
  expect(found?.vm).toMatchObject({ state: 'protected', points: 5, reason: null });
  expect(found?.vm.days).toMatch(/^[sf.]{3}$/);
  expect(at.hub.pages.vm('ghost', { days: 0, offsetMinutes: 0 })).toBeUndefined();
});

test('a VM whose newest restore point is damaged is not well protected, and what a check found is told', async () => {
  await using at = await filledHub();
  const found = () => at.hub.pages.vm('vm0000', { days: 0, offsetMinutes: 0 })?.vm;
  const marks = (id: string) => ({ repository: 'primary', context: 'vm0000', backupId: id });
  const points = (await at.hub.list({ vm: 'vm0000' })).points.map(({ backup_id: id }) => id);
  using state = openState(at.statePath);
  const broken = { since: 1000, disks: [0], reason: 'it was cut off', run_id: null };
  const damage = (id: string): void =>
    setMarks(state, marks(id), { format: 'sendense-point-marks/1', protected: null, broken });
  damage(points.at(-1) ?? '');
  expect(found()).toMatchObject({ state: 'failing', damaged: 1, damaged_since: 1000 });
  expect(found()?.reason).toMatch(/^Its newest restore point is damaged\. The newest sound one is .* old\.$/);
  for (const id of points) damage(id);
  expect(found()).toMatchObject({ state: 'failing', age_ms: null, reason: 'None of its restore points is sound.' });
  const checks = [{ repository: 'primary', ended: 2000, faults: 2, message: 'disk 0 is cut off' }];
  const { wrong } = await at.hub.pages.status({ checks });
  expect(wrong).toContainEqual(expect.objectContaining({ kind: 'damaged', vm: 'vm0000', since: 1000 }));
  expect(wrong).toContainEqual(
    expect.objectContaining({
      kind: 'damaged',
      repository: 'primary',
      since: 2000,
      message: 'Repository primary: a check found 2 faults: disk 0 is cut off',
    }),
  );
  // Who may see some VMs only is told nothing of whole repositories.
  const part = await at.hub.pages.status({ checks, sees: (vm) => vm === 'vm0000' });
  expect(part.wrong.filter(({ repository }) => repository !== null)).toEqual([]);
});

test('schedules without a daemon are told of, and a daemon that died is none', async () => {
  await using at = await filledHub();
  using state = openState(at.statePath);
  const told = async () => (await at.hub.pages.status({})).wrong.filter(({ kind }) => kind === 'daemon');
  expect(await told()).toEqual([]);
  const schedule = { cron: '0 1 * * *' } as const;
  const facts = { kind: 'backup', vm: 'vm0000', node: null, repository: 'primary', lock: null, schedule };
  acceptPlan(state, {
    plan: 'vm0000-nightly',
    file: '/plans/vm0000.yaml',
    text: '',
    facts: facts as never,
    stamp: '',
    now: until,
  });
  expect(await told()).toMatchObject([
    { message: expect.stringContaining('No daemon runs: nothing begins of 1 plan') },
  ]);
  const dead = { owner: { ...thisProcess(), start_time: '1' }, place: thisPlace(), folder: '/plans' };
  const lost = enterDaemon(state, dead, () => true);
  expect(await told()).toHaveLength(1);
  {
    using _daemon = enterDaemon(state, { ...dead, owner: thisProcess() }, isDaemonAlive);
    expect(await told()).toEqual([]);
    expect(daemons(state)).toHaveLength(1);
  }
  expect(await told()).toHaveLength(1);
  lost[Symbol.dispose]();
  // It was before this machine was started anew.
  const before = { ...dead, owner: { ...thisProcess(), boot_id: 'another' }, place: 'another 1' };
  enterDaemon(state, before, () => true);
  expect(await told()).toHaveLength(1);
  // One of another container is there until it says that it ended.
  enterDaemon(state, { ...before, owner: { ...thisProcess(), pid: 1 } }, () => true);
  expect(await told()).toEqual([]);
});

test('a notice of what a command does to a repository is of no plan', async () => {
  await using at = await filledHub();
  using state = openState(at.statePath);
  for (const kind of ['care', 'backup'])
    raiseNotice(state, { event: 'started', plan: 'files', vm: 'vm0000', message: 'files began', details: { kind } });
  const { entries } = at.hub.pages.notices({ sees: undefined }, { limit: 9, after: null });
  expect(entries.map(({ plan }) => plan)).toEqual(['files', null]);
});

test('a log comes part by part, without what is being written now', async () => {
  await using at = await filledHub();
  const [run] = (await at.hub.history({ limit: 1 })).runs;
  const id = run?.run_id ?? '';
  const file = runLogFile(at.statePath, id);
  await mkdir(dirname(file), { recursive: true });
  const line = (time: number): string =>
    `${JSON.stringify({ type: 'step.skipped', time, run_id: id, step: 's', reason: 'ü' })}\n`;
  await writeFile(file, `${line(1)}no event\n${line(2)}${line(3)}${line(4).slice(0, 20)}`);
  const first = await at.hub.pages.runLog(id, { after: undefined, limit: 2 });
  expect([first.first_line, first.events.map(({ time }) => time), first.more]).toEqual([1, [1, 2], true]);
  const second = await at.hub.pages.runLog(id, { after: first.next, limit: 2 });
  expect([second.first_line, second.events.map(({ time }) => time), second.more]).toEqual([3, [3], false]);
  await appendFile(file, line(4).slice(20));
  const third = await at.hub.pages.runLog(id, { after: second.next, limit: 2 });
  expect([third.first_line, third.events.map(({ time }) => time), third.ended]).toEqual([4, [4], true]);
  await expect(at.hub.pages.runLog(id, { after: '-1.x', limit: 2 })).rejects.toMatchObject({ code: 'request.invalid' });
  await expect(at.hub.pages.runLog('ghost', { after: undefined, limit: 2 })).rejects.toMatchObject({
    code: 'run.unknown',
  });
});

test('an answer is made once for all who ask, and again when anybody has changed the database', async () => {
  await using at = await filledHub();
  let now = 0;
  let made = 0;
  const answers = rememberedAnswers(
    () => at.hub.changes(),
    () => now,
  );
  const ask = (): Promise<string> => answers.text('a', () => ({ made: ++made }));
  expect(await Promise.all([ask(), ask()])).toEqual(['{"made":1}', '{"made":1}']);
  {
    using state = openState(at.statePath);
    fillState(state, { vms: 1, points: 0, runs: 1, until: until - 400 * dayMs });
  }
  expect(await ask()).toBe('{"made":2}');
  now = 2000;
  expect(await ask()).toBe('{"made":3}');
  await expect(answers.text('b', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await answers.text('b', () => ({}))).toBe('{}');
});

test('a quota that is nearly used up is told, once it was measured', async () => {
  await using at = await filledHub();
  const { status } = await at.hub.pages.status({});
  const repository = { repository: 'primary', used: 95, quota: 100 };
  const of = (used: number) =>
    troubles({
      status,
      vms: [],
      schedules: [],
      nodes: [],
      repositories: { primary: { path: '/r' } } as never,
      spaces: new Map(),
      measured: [{ ...repository, used }] as never,
      daemon: true,
      checks: [],
    }).filter(({ kind }) => kind === 'full');
  expect(of(95)).toMatchObject([
    { kind: 'full', message: 'Repository primary is nearly full: it takes 95 B of its quota of 100 B' },
  ]);
  expect(of(90)).toEqual([]);
});
