import { execa } from 'execa';
import { rm } from 'node:fs/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { cancelRun } from '../../src/hub/acts/cancel-run.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { listRuns } from '../../src/state/runs/runs.ts';
import type { ListOutput, PlanOutput, RunEvent, RunFinishedEvent, StatusOutput } from '../../src/schemas/types.ts';
import { leftovers } from './nothing-left.ts';
import { makeRaw, program, restorePlan, sameBytes, workspace, writeAt, type Workspace } from './workspace.ts';

const MiB = 1024 * 1024;

vi.setConfig({ testTimeout: 300_000 });
const vms = ['web1', 'web2', 'db1'];

const settings = (more = ''): string => `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
sources:
  lab:
    type: image
    vms:
${[...vms, 'gone'].map((vm) => `      ${vm}: { disks: [{ path: ./${vm}.raw }] }`).join('\n')}
${more}`;

const group = (name: string, more: string): string => `kind: group
name: ${name}
repository: primary
${more}`;

async function lab(more = ''): Promise<Workspace> {
  const work = await workspace({ settings: settings(more) });
  onTestFinished(() => work[Symbol.asyncDispose]());
  for (const vm of vms) await makeRaw(work.path(`${vm}.raw`), 4 * MiB, [[0, MiB]]);
  return work;
}

async function pointsOf(work: Workspace): Promise<ListOutput['points']> {
  return (JSON.parse((await work.call(['list', '--json'])).stdout) as ListOutput).points;
}

describe('a group', () => {
  test('backs up its VMs, each with a run of its own, and every point can be restored', async () => {
    const work = await lab();
    await work.write('all.yaml', group('all', 'members: [{ name: "*" }]\nexclude: [{ name: gone }]\n'));
    const first = await work.run('all.yaml');
    expect(first.finished).toMatchObject({ kind: 'group', vm: '*', status: 'succeeded', exit_code: 0 });
    expect(first.finished.runs?.map(({ vm, status, kind }) => [vm, status, kind])).toEqual(
      [...vms].sort().map((vm) => [vm, 'succeeded', 'full']),
    );
    for (const vm of vms) await writeAt(work.path(`${vm}.raw`), [2 * MiB, Buffer.from(`changed in ${vm}`)]);
    const second = await work.run('all.yaml');
    expect(second.finished.runs?.map(({ kind }) => kind)).toEqual(['incremental', 'incremental', 'incremental']);
    for (const vm of vms) {
      await work.write('restore.yaml', restorePlan(`./restored-${vm}`).replace('pgtest1 }', `${vm} }`));
      expect((await work.run('restore.yaml')).exitCode).toBe(0);
      expect(await sameBytes(work.path(`restored-${vm}`, 'disk-0.raw'), work.path(`${vm}.raw`))).toBe(true);
    }
    expect(leftovers(work.folder)).toEqual([]);
  });

  test('goes on where a VM fails, says which, and fails in the end', async () => {
    const work = await lab();
    await work.write('all.yaml', group('all', 'members: [{ name: "*" }]\norder: name\natOnce: 1\n'));
    const outcome = await work.run('all.yaml');
    expect(outcome.finished).toMatchObject({ status: 'failed', exit_code: 1, error: { code: 'group.failed' } });
    expect(outcome.finished.error?.message).toContain('1 of 4 VMs failed: gone (');
    expect(outcome.finished.runs?.map(({ vm, status }) => `${vm} ${status}`)).toEqual([
      'db1 succeeded',
      'gone failed',
      'web1 succeeded',
      'web2 succeeded',
    ]);
    expect((await pointsOf(work)).map(({ vm }) => vm).sort()).toEqual([...vms].sort());
    expect(leftovers(work.folder)).toEqual([]);
  });

  test('says beforehand what it would do, and what nobody fits', async () => {
    const work = await lab();
    await work.write(
      'all.yaml',
      group(
        'all',
        'members: [{ name: "web*" }, { name: "mail*" }]\noverrides: [{ match: { name: web2 }, priority: 1 }]\n',
      ),
    );
    const { stdout, exitCode } = await work.call(['plan', 'all.yaml', '--json']);
    expect(exitCode).toBe(0);
    const steps = (JSON.parse(stdout) as PlanOutput).steps;
    expect(steps.find(({ id }) => id === 'run')?.effects.map(({ target }) => target)).toEqual(['web2', 'web1']);
    expect(steps.find(({ id }) => id === 'resolve')?.notes).toContain('no VM of the source fits members: name: mail*');
    const run = await work.run('all.yaml');
    expect(run.finished).toMatchObject({ status: 'succeeded', exit_code: 3 });
    expect(run.finished.warnings).toEqual(['no VM of the source fits members: name: mail*']);
  });

  test('without any VM is an error, not a success', async () => {
    const work = await lab();
    await work.write('none.yaml', group('none', 'members: [{ name: nothing }]\n'));
    expect((await work.run('none.yaml')).finished).toMatchObject({ exit_code: 10, error: { code: 'group.empty' } });
  });

  test('is refused at its line where settings and source do not have what it names', async () => {
    const work = await lab();
    await work.write(
      'bad.yaml',
      group('bad', 'source: lap\nmembers: [{ name: "*" }]\noverrides: [{ match: { name: a }, repository: primry }]\n'),
    );
    await work.write('folder.yaml', group('folder', 'members: [{ folder: /DC1/vm/Web }]\nvm: { quiesce: try }\n'));
    const bad = await work.call(['validate', 'bad.yaml', 'folder.yaml']);
    expect(bad.exitCode).toBe(10);
    expect(bad.stdout).toContain('bad.yaml:4:9: error: the settings have no source "lap"');
    expect(bad.stdout).toContain('bad.yaml:6:47: error: the settings have no repository "primry"');
    expect(bad.stdout).toContain('folder.yaml:4:13: error: folder has no meaning for the source "lab"');
    expect(bad.stdout).toContain('folder.yaml:5:7: error: quiesce has no meaning for the source "lab"');
  });
});

describe('two groups at once', () => {
  test('that share VMs wait for each other, and both back up all of theirs', async () => {
    const work = await lab();
    for (const name of ['one', 'two'])
      await work.write(`${name}.yaml`, group(name, 'members: [{ name: "*" }]\nexclude: [{ name: gone }]\natOnce: 3\n'));
    const outcomes = await Promise.all([work.run('one.yaml'), work.run('two.yaml')]);
    for (const { finished } of outcomes) {
      expect(finished).toMatchObject({ status: 'succeeded' });
      expect(finished.runs?.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    }
    const points = await pointsOf(work);
    expect(points).toHaveLength(6);
    expect(points.filter(({ kind }) => kind === 'full')).toHaveLength(3);
    expect((await work.call(['check'])).exitCode).toBe(0);
    expect(leftovers(work.folder)).toEqual([]);
  });

  test('of the same name are refused', async () => {
    const work = await lab();
    await work.write('one.yaml', group('one', slowly('members: [{ name: web1 }]\n')));
    const first = start(work, 'one.yaml');
    await moving(first);
    expect((await work.run('one.yaml')).finished).toMatchObject({ exit_code: 11, error: { code: 'run.locked' } });
    first.kill('SIGTERM');
    await first;
    expect(leftovers(work.folder)).toEqual([]);
  });
});

test('limits of the hub hold for the VMs of a group', async () => {
  const work = await lab('limits: { runsPerRepository: 1 }\n');
  await work.write('all.yaml', group('all', 'members: [{ name: "*" }]\nexclude: [{ name: gone }]\natOnce: 3\n'));
  const { finished } = await work.run('all.yaml');
  expect(finished.status).toBe('succeeded');
  const status = JSON.parse((await work.call(['status', '--json'])).stdout) as StatusOutput;
  const spans = status.runs
    .filter(({ kind }) => kind === 'backup')
    .map(({ started, finished: end }) => [started, end ?? 0]);
  expect(spans).toHaveLength(3);
  const inOrder = spans.toSorted(([a = 0], [b = 0]) => a - b);
  for (const [index, [, end = 0]] of inOrder.slice(0, -1).entries())
    expect(inOrder[index + 1]?.[0]).toBeGreaterThanOrEqual(end);
});

/** With a rate at which 1 MiB takes a minute. */
const slowly = (text: string): string => `${text}limits: { jobRate: 16KiB }\n`;

const start = (work: Workspace, plan: string) =>
  execa(process.execPath, [program, '--json', 'run', plan], {
    cwd: work.folder,
    reject: false,
    buffer: false,
    env: { NO_COLOR: '1' },
  });

/** Resolves when a VM is being copied, with what answers all events so far. */
async function moving(run: ReturnType<typeof start>, vm?: string): Promise<() => RunEvent[]> {
  let text = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = (): RunEvent[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as RunEvent);
  const isMoving = (event: RunEvent): boolean =>
    event.type === 'step.progress' &&
    event.disks.some(({ disk, phase }) => phase === 'copying' && disk === (vm ?? disk));
  run.stdout.on('data', (chunk: Buffer) => {
    text += String(chunk);
    if (events().some(isMoving)) resolve();
  });
  await Promise.race([promise, run.then(() => Promise.reject(new Error(`it ended: ${text}`)))]);
  return events;
}

describe('a group that is stopped in the middle', () => {
  test('ends the runs of its VMs, and they leave nothing', async () => {
    const work = await lab();
    await work.write('all.yaml', group('all', slowly('members: [{ name: "web*" }]\n')));
    const run = start(work, 'all.yaml');
    await moving(run);
    run.kill('SIGINT');
    const { exitCode } = await run;
    expect(exitCode).toBe(130);
    expect(await pointsOf(work)).toEqual([]);
    expect(leftovers(work.folder)).toEqual([]);
  });

  test('says how many VMs are done, and status is not ok until all are', async () => {
    const work = await lab();
    const plan = group('all', 'members: [{ name: "*" }]\nexclude: [{ name: gone }]\norder: name\natOnce: 1\n');
    await work.write('all.yaml', `${plan}overrides: [{ match: { name: web1 }, limits: { jobRate: 16KiB } }]\n`);
    const run = start(work, 'all.yaml');
    const events = await moving(run, 'web1');
    run.kill('SIGINT');
    await run;
    const finished = events().find(({ type }) => type === 'run.finished') as RunFinishedEvent;
    expect(finished).toMatchObject({ status: 'cancelled', exit_code: 130, error: { code: 'run.cancelled' } });
    expect(finished.runs?.map(({ vm, status, run_id: id }) => [vm, status, id === null])).toEqual([
      ['db1', 'succeeded', false],
      ['web1', 'cancelled', false],
      ['web2', 'cancelled', true],
    ]);
    const health = async () => (JSON.parse((await work.call(['status', '--json'])).stdout) as StatusOutput).plans[0];
    expect(await health()).toMatchObject({ plan: 'all', state: 'failing', error: { code: 'run.cancelled' } });
    expect((await health())?.error?.message).toMatch(/, when 1 of 3 VMs were done$/);
    await work.write('all.yaml', plan);
    expect((await work.run('all.yaml')).exitCode).toBe(0);
    expect(await health()).toMatchObject({ state: 'ok', error: null });
  });

  test('in which one VM is stopped goes on with the others', async () => {
    const work = await lab();
    const plan = group('all', 'members: [{ name: "web*" }]\natOnce: 2\n');
    await work.write('all.yaml', `${plan}overrides: [{ match: { name: web1 }, limits: { jobRate: 16KiB } }]\n`);
    const run = start(work, 'all.yaml');
    const events = await moving(run, 'web1');
    using state = openState(work.path('state', 'sendense.db'));
    const [web1] = listRuns(state, { vm: 'web1' });
    expect(cancelRun(state, web1?.id ?? '', 'anna')).toBe('asked');
    expect(cancelRun(state, web1?.id ?? '', 'otto')).toBe('asked');
    await run;
    const finished = events().find(({ type }) => type === 'run.finished') as RunFinishedEvent;
    expect(finished.runs?.map(({ vm, status }) => [vm, status])).toEqual([
      ['web1', 'cancelled'],
      ['web2', 'succeeded'],
    ]);
    expect(finished.runs?.[0]?.message).toBe('the run was cancelled by anna');
    expect((await pointsOf(work)).length).toBe(1);
    expect(leftovers(work.folder)).toEqual([]);
  });

  test('with SIGKILL is cleaned up by the next run', async () => {
    const work = await lab();
    await work.write('all.yaml', group('all', slowly('members: [{ name: "web*" }]\n')));
    await work.write('db.yaml', group('db', 'members: [{ name: db1 }]\n'));
    const run = start(work, 'all.yaml');
    await moving(run);
    run.kill('SIGKILL');
    await run;
    expect((await work.run('db.yaml')).finished.status).toBe('succeeded');
    await vi.waitFor(() => expect(leftovers(work.folder)).toEqual([]), { timeout: 200_000 });
    await rm(work.path('all.yaml'));
  });
});
