import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { NotifyHistoryOutput, RecoverOutput, StatusOutput } from '../../src/schemas/types.ts';
import { processesOf } from '../node/support.ts';
import { leftovers } from './nothing-left.ts';
import {
  expectClean,
  expectFrozen,
  guestWorks,
  MiB,
  pgtest1,
  vsphereWorkspace,
  type VsphereWorkspace,
} from './vsphere-workspace.ts';
import { program, type RunOutcome } from './workspace.ts';
import { randomBytes } from '../support/random.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';

/*
 * What a job leaves at its VM although it failed is told: by the error, the exit status, the record of the run, `status` and the
 * notices; and it goes as soon as it can.
 */
let at: VsphereWorkspace;
let vm: SimulatedVm;

beforeAll(async () => {
  at = await vsphereWorkspace();
  vm = await at.vcenter.addVm(pgtest1);
  await at.plan('plan.yaml', vm);
  const first = await at.run('plan.yaml');
  if (first.finished.exit_code !== 0) throw new Error(JSON.stringify(first.finished));
}, 300_000);
afterAll(() => at?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await at.vcenter.clearFaults();
  await at.vcenter.clearCalls();
  await guestWorks(vm, 2);
});

const json = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await at.work.call(['--json', ...args])).stdout) as T;
const status = (): Promise<StatusOutput> => json<StatusOutput>('status');
const noticesOf = async (run: string): Promise<string[]> =>
  (await json<NotifyHistoryOutput>('notify', 'history', '-n', '500')).notices
    .filter((one) => one.run_id === run)
    .map((one) => one.message);
const ours = /the snapshot sendense-\S+ of \/DC1\/vm\/pgtest1/;

/** The run says everywhere that its snapshot stays; recovery does, too, until it can remove it. */
async function expectTold({ finished }: RunOutcome): Promise<void> {
  const told = JSON.stringify(finished);
  expect(finished.exit_code, told).toBe(16);
  expect(finished.undo_errors, told).toHaveLength(1);
  expect(finished.undo_errors[0]?.message).toMatch(ours);
  expect(finished.undo_errors[0]?.remedy).toContain('You can also remove it in vSphere');
  const run = (await status()).runs.find((one) => one.run_id === finished.run_id);
  expect(run?.left_behind?.join()).toMatch(ours);
  expect((await at.work.call(['status'])).stdout.replaceAll(/\s+/g, ' ')).toMatch(ours);
  expect((await at.work.call(['show', finished.run_id])).stdout.replaceAll(/\s+/g, ' ')).toMatch(ours);
  expect((await noticesOf(finished.run_id)).join()).toMatch(ours);
  expect(await vm.snapshots()).toHaveLength(1);
}

async function expectRecovered(run: string): Promise<void> {
  await at.vcenter.clearFaults();
  const recovered = await at.work.call(['recover']);
  expect(recovered.exitCode, recovered.stderr + recovered.stdout).toBe(0);
  await expectClean(vm);
  expect((await status()).runs.find((one) => one.run_id === run)?.left_behind).toBeUndefined();
  // The watcher of a group of programs gives these a few seconds to end.
  await expect.poll(() => leftovers(at.work.folder)).toEqual([]);
}

test(
  'a failed run that may not remove its snapshot says so, and recovery removes it once it may',
  { timeout: 300_000 },
  async () => {
    await at.vcenter.fault('method', { method: 'QueryChangedDiskAreas', fault: 'NoPermission' });
    await at.vcenter.fault('no-permission', {
      method: 'RemoveSnapshot_Task',
      privilege: 'VirtualMachine.State.RemoveSnapshot',
    });
    const outcome = await at.run('plan.yaml');
    expect(outcome.finished.error).toMatchObject({
      code: 'vsphere.permission',
      message: expect.stringMatching(ours) as string,
    });
    await expectTold(outcome);
    expect(outcome.finished.undo_errors[0]?.message).toContain('VirtualMachine.State.RemoveSnapshot');
    const early = await at.work.call(['--json', 'recover']);
    expect(early.exitCode).toBe(16);
    expect((JSON.parse(early.stdout) as RecoverOutput).runs[0]?.errors[0]?.message).toMatch(/RemoveSnapshot/);
    await expectRecovered(outcome.finished.run_id);
  },
);

test(
  'a password that lapses in mid-run is tried once, in that run and in the next, which is about the password',
  { timeout: 300_000 },
  async () => {
    await at.vcenter.fault('session-expiry', { method: 'QueryChangedDiskAreas', count: 1, afterwards: 'refuse' });
    const outcome = await at.run('plan.yaml');
    expect(outcome.finished.error?.code, JSON.stringify(outcome.finished)).toBe('vsphere.login');
    expect(outcome.finished.error?.message).toContain(
      `${at.vcenter.host}:${at.vcenter.port} refuses the user ${at.vcenter.user}`,
    );
    await expectTold(outcome);
    expect(await at.vcenter.logins()).toMatchObject({ refused: 1 });
    // Its recovery of the one before wants to log in, and so does the run itself.
    await at.vcenter.clearCalls();
    const next = await at.run('plan.yaml');
    expect(next.finished.error?.code).toBe('vsphere.login');
    expect(await at.vcenter.logins()).toEqual({ tried: 1, refused: 1 });
    await at.vcenter.clearFaults();
    const good = await at.run('plan.yaml');
    expect(good.finished, JSON.stringify(good.finished)).toMatchObject({ exit_code: 0 });
    await expectFrozen(at, vm, good);
    await expectRecovered(outcome.finished.run_id);
  },
);

test('a run whose client is killed, and whose snapshot cannot be removed, says so', { timeout: 300_000 }, async () => {
  await at.vcenter.fault('no-permission', { method: 'RemoveSnapshot_Task' });
  await at.vcenter.fault('hang', { for: 'QueryChangedDiskAreas' });
  const running = at.run('plan.yaml');
  while (!(await at.vcenter.calls()).some(({ method }) => method === 'QueryChangedDiskAreas')) await delay(50);
  // A copy of it that is about to become another program bears its name for a moment.
  const clients = processesOf(at.work.folder).filter(({ argv }) => argv.join(' ').includes('sendense-backup-client'));
  expect(clients).not.toEqual([]);
  for (const { pid } of clients) process.kill(pid, 'SIGKILL');
  const outcome = await running;
  expect(outcome.finished.error?.code, JSON.stringify(outcome.finished)).toBe('job.lost');
  expect(outcome.finished.exit_code).toBe(16);
  expect(outcome.finished.undo_errors.map(({ message }) => message).join()).toMatch(
    /snapshot .*pgtest1.* is still there/,
  );
  await expectRecovered(outcome.finished.run_id);
});

test('a cancelled run that may not remove its snapshot raises a notice', { timeout: 300_000 }, async () => {
  await at.vcenter.fault('no-permission', { method: 'RemoveSnapshot_Task' });
  await at.vcenter.fault('slow', { for: 'QueryChangedDiskAreas', ms: 30_000 });
  const hub = spawn(process.execPath, [program, '--json', 'run', 'plan.yaml'], {
    cwd: at.work.folder,
    env: { ...process.env, ...at.vcenter.vddkEnvironment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const said = text(hub.stdout);
  while (!(await at.vcenter.calls()).some(({ method }) => method === 'QueryChangedDiskAreas')) await delay(50);
  hub.kill('SIGINT');
  const finished = JSON.parse((await said).trim().split('\n').at(-1) ?? '') as RunOutcome['finished'];
  expect(finished.status).toBe('cancelled');
  await expectTold({ finished } as RunOutcome);
  await expectRecovered(finished.run_id);
});

test('what fails after a backup was published takes nothing away from it', { timeout: 300_000 }, async () => {
  await at.plan('plan.yaml', vm, [], ['after:', '  - run: [sh, -c, exit 1]']);
  const outcome = await at.run('plan.yaml');
  await at.plan('plan.yaml', vm);
  expect(outcome.finished.backup_id, JSON.stringify(outcome.finished)).not.toBe(null);
  expect(outcome.finished.exit_code).not.toBe(0);
  const { vm_config: config } = await at.manifest(outcome.finished.backup_id);
  expect(await readFile(at.work.path('repository/pgtest1', config?.path ?? ''), 'utf8')).toContain(
    'sendense-vm-config',
  );
  expect((await at.work.call(['check'])).exitCode).toBe(0);
});

test('a password that lapses while eight disks are read over https is tried once', { timeout: 300_000 }, async () => {
  const many = await at.vcenter.addVm({
    name: 'many',
    cbt: true,
    disks: Array.from({ length: 8 }, (_, disk) => ({ capacity: 4 * MiB, content: randomBytes(1024 * (disk + 1)) })),
  });
  await at.plan('many.yaml', many, ['transport: https']);
  const plan = await readFile(at.work.path('many.yaml'), 'utf8');
  await at.work.write('many.yaml', plan.replace('name: pgtest1', 'name: many'));
  // Eight disks are looked at (HEAD), and VM files fetched, before the first is opened.
  await at.vcenter.fault('session-expiry', { method: 'folder', count: 1, after: 24, afterwards: 'refuse' });
  await at.vcenter.clearCalls();
  const outcome = await at.run('many.yaml');
  expect(await at.vcenter.logins()).toMatchObject({ refused: 1 });
  expect(outcome.finished.error, JSON.stringify(outcome.finished)).toMatchObject({
    code: 'vsphere.login',
    message: expect.stringContaining(`refuses the user ${at.vcenter.user} with this password`) as string,
  });
  expect(outcome.finished.exit_code).toBe(16);
  expect(outcome.finished.undo_errors[0]?.message).toMatch(/the snapshot sendense-\S+ of \/DC1\/vm\/many/);
  expect(await many.snapshots()).toHaveLength(1);
  await at.vcenter.clearFaults();
  expect((await at.work.call(['recover'])).exitCode).toBe(0);
  await expectClean(many);
});
