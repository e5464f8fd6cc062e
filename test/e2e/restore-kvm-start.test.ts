import { readdir, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { exists } from '../../src/host/files/files.ts';
import { makeRaw as makeDisk, MiB, writeInto } from '../host/disk-images.ts';
import { ownLibvirtd, type OwnLibvirtd } from '../host/libvirt/own-libvirtd.ts';
import { testProgram } from '../programs.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { processesNaming } from '../support/processes.ts';
import { backupPlan, workspace, type Workspace } from './workspace.ts';

const timeout = 600_000;
const killedRun = testProgram('e2e/killed-run-child');

/** A user who is not root has no libvirtd of their own. */
describe.skipIf(process.getuid?.() !== 0)('with a libvirtd', { timeout }, () => {
  let work: Workspace;
  let libvirt: OwnLibvirtd;
  const vms = { up: 'login: ', dead: null } as const;

  beforeAll(async () => {
    libvirt = await ownLibvirtd();
    work = await workspace();
    for (const [vm, says] of Object.entries(vms)) {
      await makeDisk(work.path(`${vm}.raw`), 2 * MiB, [MiB, 512]);
      if (says !== null) await writeInto(work.path(`${vm}.raw`), [0, bootSector(says)]);
      await work.write(`${vm}.yaml`, backupPlan([`${vm}.raw`]).replaceAll('pgtest1', vm));
      const { exitCode, stderr } = await work.run(`${vm}.yaml`);
      if (exitCode !== 0) throw new Error(stderr);
    }
  }, timeout);

  afterEach(async () => {
    // One start of virsh for all; it goes on after a command that fails, as `destroy` does for a VM that is off.
    const commands = Object.keys(vms).flatMap((vm) => [`destroy ${vm}`, `undefine ${vm} --keep-nvram`]);
    const left = await libvirt.virsh([...commands, 'list --all --name'].join('; '));
    if (left !== '') throw new Error(`left: ${left}`);
  });
  afterAll(async () => {
    await work?.[Symbol.asyncDispose]();
    await libvirt?.[Symbol.asyncDispose]();
  });

  const restore = (vm: keyof typeof vms, folder: string, ...words: string[]) => {
    const to = ['--to', `kvm:${work.path(folder)}`, '--libvirt', libvirt.uri, '--memory', '64MiB', '--cpus', '1'];
    return work.call(['restore', vm, ...to, ...words]);
  };
  const planOf = (vm: keyof typeof vms, folder: string, start: string): string =>
    [
      'kind: restore',
      'name: leave',
      `vm: { name: ${vm} }`,
      'repository: primary',
      `to: { kvm: ${work.path(folder)}, libvirt: '${libvirt.uri}', memory: 64MiB, cpus: 1, start: ${start} }`,
      '',
    ].join('\n');

  test('a VM is defined, started, and up at the first sign of it', async () => {
    const done = await restore('up', 'first', '--start', '--serial', 'login:');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toMatch(/started up after [0-9]+ s \(serial\)/);
    expect(await libvirt.virsh('domstate', 'up')).toBe('running');
    const [, picture = ''] = /screen +(\S+)/.exec(done.stdout) ?? [];
    expect((await stat(work.path(picture))).mode & 0o777).toBe(0o600);
    await execa('virt-xml-validate', [work.path('first/domain.xml')]);
  });

  test('one that is not started stays off, and a second one of its name is refused before anything is written', async () => {
    const done = await restore('up', 'off');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(await libvirt.virsh('domstate', 'up')).toBe('shut off');
    const other = await restore('up', 'busy', '--start');
    expect(other.stderr).toContain('already has a VM up; nothing was written');
    expect(await exists(work.path('busy'))).toBe(false);
  });

  test('one that does not come up fails the run, and all that was restored stays', async () => {
    const done = await restore('dead', 'dead', '--start');
    expect(done.exitCode).toBe(1);
    expect(done.stderr).toContain(
      'start.failed: dead did not boot: its firmware finds no disk that it can start from; see ',
    );
    expect(done.stderr).toContain('What was restored is whole');
    expect((await readdir(work.path('dead'))).toSorted()).toEqual(['disk-0.qcow2', 'domain.xml', 'start.sh']);
    expect(await libvirt.virsh('domstate', 'dead')).toBe('running');
    // And nobody undoes it later.
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect(await exists(work.path('dead/disk-0.qcow2'))).toBe(true);
  });

  test('one whose serial port is not to be had is started, and the run says at once that nobody can hear it', async () => {
    // As a libvirtd leaves it that was killed while somebody heard a VM: the number is that of a process that is there.
    await libvirt.lockSerialPorts(1);
    await work.write('deaf.yaml', planOf('up', 'deaf', "{ serial: { mark: 'login:' } }"));
    const { finished } = await work.run('deaf.yaml');
    await libvirt.lockSerialPorts(null);
    expect(finished.error).toMatchObject({
      code: 'start.failed',
      message: expect.stringMatching(
        /nothing tells whether it is up: its serial port cannot be read: .*(?:locked|Active console)/,
      ) as string,
    });
    expect(await libvirt.virsh('domstate', 'up')).toBe('running');
  });

  test('one that says something else is not up, and what it said is told', async () => {
    await work.write('late.yaml', planOf('up', 'late', "{ serial: { mark: 'nothing' }, timeout: 3s }"));
    const { exitCode, finished } = await work.run('late.yaml');
    expect(exitCode).toBe(1);
    expect(finished.error).toMatchObject({
      code: 'start.failed',
      message: expect.stringContaining('no sign of life within 3 s') as string,
    });
  });

  test.each([
    ['before', 'shut off'],
    ['after', 'running'],
  ])('kill -9 at its start (%s): what was restored stays', async (when, state) => {
    const folder = `killed-${when}`;
    await work.write('leave.yaml', planOf('up', folder, "{ serial: { mark: 'login:' } }"));
    const words = [killedRun, work.path('leave.yaml'), 'restore.start', when];
    const killed = await execa(process.execPath, words, { reject: false });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect((await readdir(work.path(folder))).toSorted()).toEqual(['disk-0.qcow2', 'domain.xml', 'start.sh']);
    expect(await libvirt.virsh('domstate', 'up')).toBe(state);
  });

  test('kill -9 while it waits for a sign: the VM goes on, and the same plan does not touch it', async () => {
    await work.write('wait.yaml', planOf('up', 'waits', "{ serial: { mark: 'nothing' }, timeout: 200s }"));
    const words = [killedRun, work.path('wait.yaml'), 'none.none', 'before'];
    const run = execa(process.execPath, words, { reject: false });
    const isUp = async (): Promise<boolean> =>
      processesNaming(work.path('waits')).length > 0 &&
      (await libvirt.virsh('domstate', 'up').catch(() => '')) === 'running';
    await vi.waitUntil(isUp, { timeout: 200_000, interval: 100 });
    run.kill('SIGKILL');
    await run;
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect(await libvirt.virsh('domstate', 'up')).toBe('running');
    const again = await work.run('wait.yaml');
    expect(again.finished.error).toMatchObject({ code: 'file.exists' });
    expect(await libvirt.virsh('domstate', 'up')).toBe('running');
  });
});

test('without libvirt nothing is written for a VM that shall be started', async () => {
  await using work = await workspace();
  await makeDisk(work.path('disk0.raw'), 2 * MiB, [0, 512]);
  await work.write('nightly.yaml', backupPlan(['disk0.raw']));
  expect((await work.run('nightly.yaml')).exitCode).toBe(0);
  const to = ['--to', `kvm:${work.path('vm')}`, '--memory', '64MiB', '--cpus', '1'];
  for (const [words, text] of [
    [['--start', '--libvirt', 'none'], 'libvirt starts the VM, and libvirt is `none`'],
    [['--start', '--libvirt', 'qemu:///nowhere'], 'libvirt does not answer at qemu:///nowhere'],
    [['--serial', 'login:'], '--serial and --agent are for --start and --convert'],
  ] as const) {
    const refused = await work.call(['restore', 'pgtest1', ...to, ...words]);
    expect(refused.exitCode, refused.stderr).not.toBe(0);
    expect(refused.stderr).toContain(text);
  }
  expect(await exists(work.path('vm'))).toBe(false);
});
