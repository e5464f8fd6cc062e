import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { optionalText } from '../../src/node/vsphere/xml.ts';
import { testProgram } from '../programs.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { pgtest1, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';
import { program } from './workspace.ts';

const timeout = 600_000;
const killedRun = testProgram('e2e/killed-run-child');

let at: VsphereWorkspace;
let vm: SimulatedVm;
let number = 0;

beforeAll(async () => {
  at = await vsphereWorkspace();
  vm = await at.vcenter.addVm(pgtest1);
  await at.plan('nightly.yaml', vm);
  const { exitCode, stderr } = await at.run('nightly.yaml');
  if (exitCode !== 0) throw new Error(stderr);
}, timeout);
afterEach(() => at.vcenter.clearFaults());
afterAll(() => at[Symbol.asyncDispose]());

const newName = (): string => `judged-${++number}`;
const restore = (name: string, ...words: string[]) =>
  at.work.call(['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--name', name, ...words]);

/** A plan that judges; `more`: of `start`. */
async function plan(name: string, start = 'true'): Promise<string> {
  await at.work.write(
    'judged.yaml',
    `kind: restore\nname: judged\nvm: { name: pgtest1 }\nrepository: primary\nto: { vsphere: test-vcenter, name: ${name}, start: ${start} }\n`,
  );
  return 'judged.yaml';
}

async function powerOf(name: string): Promise<string> {
  const found = await at.vcenter.findVm(name);
  if (found === null) return 'not there';
  await using vsphere = await connectVsphere({ ...at.vcenter, ca: null });
  const [shown] = await vsphere.properties([{ type: 'VirtualMachine', value: found.moref }], ['runtime.powerState']);
  return optionalText(shown?.values.get('runtime.powerState')) ?? '';
}

const methods = async (): Promise<string[]> => (await at.vcenter.calls()).map(({ method }) => method);

describe('a new VM that is started and judged', () => {
  test('is up when VMware Tools run', { timeout }, async () => {
    const name = newName();
    await at.vcenter.fault('tools-come', { ms: 700, address: '192.0.2.33' });
    const shown = await restore(name, '--start', '--dry-run');
    expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
    expect(shown.stdout.replaceAll(/\s+/g, ' ')).toContain('powered off again if VMware Tools do not come');
    const done = await restore(name, '--start');
    expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toMatch(/started +up after \d+ s \(tools\)/);
    expect(done.stdout).not.toContain('not started');
    expect(await powerOf(name)).toBe('poweredOn');
  });

  test.each([
    ['in which VMware Tools do not come in time', {}, 'VMware Tools did not run within 1 s', 'is off'],
    ['that goes off by itself', { 'guest-ends': { ms: 300 } }, 'it is off again', 'is off'],
    ['that asks something later', { question: { ms: 300, text: 'Full. Retry?' } }, 'Full. Retry?', 'is off'],
    ['that asks before it starts', { question: { text: 'Moved or copied?' } }, 'Moved or copied?', 'is off'],
  ] as const)('one %s is off again, and the run says so; what was restored stays', { timeout }, async (...of) => {
    const [, faults, problem, remedy] = of;
    const name = newName();
    for (const [fault, options] of Object.entries(faults)) await at.vcenter.fault(fault, options);
    const slow = problem.includes('within') ? '{ timeout: 1s }' : '{ timeout: 200s }';
    const { exitCode, finished } = await at.run(await plan(name, slow));
    expect(exitCode).toBe(1);
    expect(finished.error).toMatchObject({
      code: 'start.failed',
      message: expect.stringContaining(problem) as string,
      remedy: expect.stringContaining(remedy) as string,
    });
    expect(await powerOf(name)).toBe('poweredOff');
    expect((await at.work.call(['recover'])).exitCode).toBe(0);
    expect(await powerOf(name)).toBe('poweredOff');
  });

  test('one that vSphere neither starts nor stops is told of', { timeout }, async () => {
    const name = newName();
    await at.vcenter.fault('power-on', {});
    const unstarted = await at.run(await plan(name));
    expect(unstarted.finished.error).toMatchObject({
      code: 'start.failed',
      message: expect.stringContaining(`vSphere did not start the VM ${name}`) as string,
    });
    await at.vcenter.clearFaults();
    await at.vcenter.fault('method', { method: 'PowerOffVM_Task', fault: 'InvalidState' });
    const other = newName();
    const left = await at.run(await plan(other, '{ timeout: 1s }'));
    expect(left.finished.error).toMatchObject({
      code: 'start.failed',
      remedy: expect.stringContaining('vSphere did not power it off again') as string,
    });
    expect(await powerOf(other)).toBe('poweredOn');
  });

  test(
    'one whose start vSphere does not end is given the time that the plan gives, and no more',
    { timeout },
    async () => {
      const name = newName();
      await at.vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 60_000, count: 1 });
      await at.vcenter.fault('method', { method: 'CancelTask', fault: 'NotSupported' });
      const { exitCode, finished } = await at.run(await plan(name, '{ timeout: 2s }'));
      expect(exitCode).toBe(1);
      expect(finished.error).toMatchObject({
        code: 'start.failed',
        message: expect.stringContaining('vSphere did not tell within 2 s') as string,
        remedy: expect.stringContaining('Nobody knows whether it starts.') as string,
      });
    },
  );

  test('needs a privilege that one that is only started does not need', { timeout }, async () => {
    const name = newName();
    await at.vcenter.fault('privileges', { missing: 'VirtualMachine.Interact.PowerOff' });
    const refused = await restore(name, '--start');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('VirtualMachine.Interact.PowerOff (to stop it again, if it does not come up)');
    expect(await powerOf(name)).toBe('not there');
    const done = await restore(name, '--power-on');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(await powerOf(name)).toBe('poweredOn');
  });

  test.each([
    ['before', 'poweredOff'],
    ['after', 'poweredOn'],
  ])('kill -9 at its start (%s): what was restored stays', { timeout }, async (when, state) => {
    const name = newName();
    await at.vcenter.fault('tools-come', {});
    const words = [killedRun, at.work.path(await plan(name)), 'restore.start', when];
    const killed = await execa(process.execPath, words, { reject: false, env: at.vcenter.vddkEnvironment });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect((await at.work.call(['recover'])).exitCode).toBe(0);
    expect(await powerOf(name)).toBe(state);
  });

  test.each([['SIGKILL'], ['SIGINT']] as const)(
    '%s while it waits for VMware Tools: the VM stays on, and that is said',
    { timeout },
    async (signal) => {
      const name = newName();
      await at.vcenter.clearCalls();
      const words = [killedRun, at.work.path(await plan(name, '{ timeout: 200s }')), 'none.none', 'before'];
      const run = execa(process.execPath, words, { reject: false, env: at.vcenter.vddkEnvironment });
      await vi.waitUntil(async () => (await powerOf(name)) === 'poweredOn', { timeout: 200_000, interval: 200 });
      run.kill(signal);
      const ended = await run;
      const said = signal === 'SIGKILL' ? await at.work.call(['recover']) : ended;
      if (signal === 'SIGKILL') {
        expect(said.exitCode, said.stderr).toBe(0);
        expect(said.stdout).toContain(`the VM ${name}`);
        expect(said.stdout.replaceAll(/\s+/g, ' ')).toContain('It stays on');
      }
      expect(await powerOf(name)).toBe('poweredOn');
      expect(await methods()).not.toContain('PowerOffVM_Task');
    },
  );

  test('Ctrl-C while vSphere does not answer its start: within seconds that is said', { timeout }, async () => {
    await at.vcenter.clearCalls();
    await at.vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 900_000, count: 1 });
    await at.vcenter.fault('method', { method: 'CancelTask', fault: 'NotSupported' });
    const words = ['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--name', newName(), '--start'];
    const run = execa(process.execPath, [program, ...words], {
      reject: false,
      cwd: at.work.folder,
      env: at.vcenter.vddkEnvironment,
    });
    await expect.poll(methods, { timeout: 200_000, interval: 100 }).toContain('PowerOnVM_Task');
    const before = performance.now();
    run.kill('SIGINT');
    const { stdout, stderr, exitCode } = await run;
    expect(performance.now() - before).toBeLessThan(60_000);
    expect(exitCode, stderr).toBe(130);
    expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain(
      'The run began to start it, and nobody knows whether it is on: look in vSphere',
    );
  });

  test.each([
    ['--power-on', 3, 'is restored, and was to be started: nobody knows whether it starts: look at the VM in vSphere'],
    ['--start', 130, 'The run began to start it, and nobody knows whether it is on: look in vSphere'],
  ])('Ctrl-C while vCenter is silent and %s has begun: what is restored is known to be', { timeout }, async (...of) => {
    const [how, exit, told] = of;
    const name = newName();
    await at.vcenter.clearCalls();
    await at.vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 900_000, count: 1 });
    const words = ['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--name', name, how];
    const run = execa(process.execPath, [program, ...words], {
      reject: false,
      cwd: at.work.folder,
      env: at.vcenter.vddkEnvironment,
    });
    await expect.poll(methods, { timeout: 200_000, interval: 100 }).toContain('PowerOnVM_Task');
    process.kill(at.vcenter.pid, 'SIGSTOP');
    const before = performance.now();
    try {
      run.kill('SIGINT');
      const { stdout, stderr, exitCode } = await run;
      const said = (stdout + stderr).replaceAll(/\s+/g, ' ');
      expect(exitCode, said).toBe(exit);
      expect(said).toContain(told);
      expect(said).not.toContain('could not be cleaned up');
      // vSphere is asked once what became of the start, and nothing else.
      expect(performance.now() - before).toBeLessThan(100_000);
      console.log(`${how}: ${Math.round(performance.now() - before)} ms`);
    } finally {
      process.kill(at.vcenter.pid, 'SIGCONT');
    }
    expect((await at.work.call(['recover'])).exitCode).toBe(0);
    expect((await at.vcenter.findVm(name))?.disks).toHaveLength(2);
  });
});

describe('a VM restored in place that is started and judged', () => {
  const words = ['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--in-place', '--no-safety-backup', '--start'];

  test('is up when VMware Tools run', { timeout }, async () => {
    await vm.power('off');
    await at.vcenter.fault('tools-come', { ms: 300 });
    const done = await at.work.call(words);
    expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toMatch(/up after \d+ s \(tools\)/);
    expect(await powerOf('pgtest1')).toBe('poweredOn');
  });

  test('is off again if it goes off by itself', { timeout }, async () => {
    await vm.power('off');
    await at.vcenter.fault('guest-ends', { ms: 100 });
    const failed = await at.work.call(words);
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr.replaceAll(/\s+/g, ' ')).toContain('it is off again');
    expect(await powerOf('pgtest1')).toBe('poweredOff');
  });
});
