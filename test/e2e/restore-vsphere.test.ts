import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesOf } from '../node/support.ts';
import { testProgram } from '../programs.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { canAttach, loopDevice } from '../support/loop-device.ts';
import { MiB, pgtest1, vsphereWorkspace, withoutVddk, type VsphereWorkspace } from './vsphere-workspace.ts';
import { program, sameContent } from './workspace.ts';

const timeout = 600_000;
const killedRun = testProgram('e2e/killed-run-child');

let at: VsphereWorkspace;
let vm: SimulatedVm;
let number = 0;

beforeAll(async () => {
  at = await vsphereWorkspace({ settings: withoutVddk });
  vm = await at.vcenter.addVm({ ...pgtest1, networks: [{ name: 'VM Network', mac: '00:50:56:9a:1b:2c' }] });
  await at.plan('nightly.yaml', vm);
  const { exitCode, stderr } = await at.run('nightly.yaml');
  if (exitCode !== 0) throw new Error(stderr);
}, timeout);
afterAll(() => at[Symbol.asyncDispose]());

const newName = (): string => `back-${++number}`;
const restore = (name: string, ...words: string[]) =>
  at.work.call(['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--name', name, ...words]);
const importCalls = async (): Promise<number> =>
  (await at.vcenter.calls()).filter(({ method }) => method === 'ImportVApp').length;

/** That the notes of the VM name the import which began last. */
async function isNoted(): Promise<boolean> {
  const methods = (await at.vcenter.calls()).map(({ method }) => method);
  const begun = methods.lastIndexOf('ImportVApp');
  const noting = methods.indexOf('ReconfigVM_Task', begun);
  return begun >= 0 && noting > begun && methods.indexOf('DestroyPropertyCollector', noting) > noting;
}

/** Each disk of the new VM holds what the old one has. */
async function expectEqual(name: string): Promise<void> {
  const made = await at.vcenter.findVm(name);
  if (!made) throw new Error(`there is no ${name}`);
  expect(made.disks.map(({ capacity }) => capacity)).toEqual(vm.disks.map(({ capacity }) => capacity));
  for (const [index, { flatFile }] of made.disks.entries()) {
    const truth = vm.disks[index]?.flatFile ?? '';
    // By a second tool.
    await execa('cmp', [flatFile, truth]);
    expect(await sameContent(flatFile, truth)).toBe(true);
  }
}

test('a VM goes back to vSphere as a new one, beside the old one', { timeout }, async () => {
  const name = newName();
  const shown = await restore(name, '--dry-run');
  expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
  expect(shown.stdout).toContain(`/DC1/vm/${name}`);
  expect(await at.vcenter.findVm(name)).toBeNull();
  const done = await restore(name);
  expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
  expect(done.stdout).toContain(`${name} (`);
  await expectEqual(name);
});

test.skipIf(!canAttach)('its disks go to block devices of the hub', { timeout }, async () => {
  await using stack = new AsyncDisposableStack();
  const devices: string[] = [];
  for (const [disk, { capacity }] of vm.disks.entries())
    devices.push(stack.use(await loopDevice(at.work.path(`${disk}.device`), Math.ceil(capacity / MiB + 1) * MiB)).path);
  const places = devices.map((path, disk) => `disk-${disk}=${path}`).join(',');
  const done = await at.work.call(['restore', 'pgtest1', '--to', `device:${places}`]);
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  // By a second tool.
  for (const [disk, { capacity, flatFile }] of vm.disks.entries())
    await execa('cmp', ['-n', String(capacity), flatFile, devices[disk] ?? '']);
});

test(
  'without VDDK the disks go by import leases; after kill -9 of the hub the first one is not sent again',
  { timeout },
  async () => {
    const name = newName();
    const words = ['restore', 'pgtest1', '--to', 'vsphere:without-vddk', '--name', name];
    const shown = await at.work.call([...words, '--dry-run']);
    expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('the disks go by an import lease over HTTPS, because');
    await at.vcenter.clearCalls();
    const before = await at.vcenter.writes();
    await at.vcenter.fault('hang', { for: 'nfc', count: 1, after: 1 });
    const hub = spawn(process.execPath, [program, ...words], { cwd: at.work.folder, stdio: 'ignore' });
    const ended = once(hub, 'exit');
    await expect.poll(importCalls, { timeout: 200_000 }).toBe(2);
    hub.kill('SIGKILL');
    await ended;
    await at.vcenter.clearFaults();
    const recovered = await at.work.call(['recover']);
    expect(recovered, recovered.stderr).toMatchObject({ exitCode: 0 });
    expect(recovered.stdout).toContain(`the VM ${name} stays in vSphere`);
    const done = await at.work.call(words);
    expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
    expect(await importCalls()).toBe(3);
    await expectEqual(name);
    expect(await at.vcenter.writes()).toEqual(before);
  },
);

test(
  'kill -9 of all of it while the first disk is sent by an import lease: recover leaves nothing',
  { timeout },
  async () => {
    const name = newName();
    await at.vcenter.clearCalls();
    await at.vcenter.fault('hang', { for: 'nfc', count: 1 });
    const words = ['restore', 'pgtest1', '--to', 'vsphere:without-vddk', '--name', name];
    const hub = spawn(process.execPath, [program, ...words], { cwd: at.work.folder, stdio: 'ignore' });
    const ended = once(hub, 'exit');
    await expect.poll(importCalls, { timeout: 200_000 }).toBe(1);
    const made = async (): Promise<string[]> =>
      (await readdir(join(at.vcenter.folder, 'LocalDS_0'))).filter((one) => one === name || one.startsWith(`${name}-`));
    // Before that, vSphere removes the VM that brings the disk when the time of the lease is up.
    await expect.poll(isNoted, { timeout: 60_000 }).toBe(true);
    // The VM, and the one that brings its first disk.
    expect(await made()).toHaveLength(2);
    hub.kill('SIGKILL');
    for (const { pid, argv } of processesOf(at.work.folder))
      if (argv.join(' ').includes('sendense-backup-client')) process.kill(pid, 'SIGKILL');
    await ended;
    const recovered = await at.work.call(['recover']);
    await at.vcenter.clearFaults();
    expect(recovered, recovered.stderr).toMatchObject({ exitCode: 0 });
    expect(await at.vcenter.findVm(name)).toBeNull();
    expect(await made()).toEqual([]);
  },
);

describe('a restore that does not come to its end', () => {
  test('keeps disks that are copied whole, says so, and goes on', { timeout }, async () => {
    const name = newName();
    await at.vcenter.fault('folder-status', { status: 500 });
    await at.vcenter.vddkFault({ 'disk-full-after': 2.5 * MiB });
    const failed = await restore(name);
    await at.vcenter.vddkFault();
    await at.vcenter.clearFaults();
    expect(failed.exitCode, failed.stdout).not.toBe(0);
    expect(failed.stderr).toContain('the datastore is full');
    expect(failed.stdout + failed.stderr).toContain(`the VM ${name} stays in vSphere`);
    const before = await at.vcenter.writes();
    const done = await restore(name);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    const after = (await at.vcenter.writes()).slice(before.length);
    expect(new Set(after.map(({ disk }) => disk)).size).toBe(1);
    await expectEqual(name);
  });

  test.each([
    ['restore.write', 'after', false],
    ['restore.verify', 'after', false],
    ['restore.publish', 'before', false],
    ['restore.publish', 'after', true],
  ])('kill -9 at %s (%s): recover leaves all or nothing', { timeout }, async (uses, when, isThere) => {
    const name = newName();
    await at.work.write(
      'back.yaml',
      `kind: restore\nname: back\nvm: { name: pgtest1 }\nrepository: primary\nto: { vsphere: test-vcenter, name: ${name}, resume: false }\n`,
    );
    const killed = await execa(process.execPath, [killedRun, at.work.path('back.yaml'), uses, when], {
      reject: false,
      env: at.vcenter.vddkEnvironment,
    });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const recovered = await at.work.call(['recover']);
    expect(recovered.exitCode, recovered.stderr).toBe(0);
    if (isThere) await expectEqual(name);
    else expect(await at.vcenter.findVm(name)).toBeNull();
  });
});

test('what speaks against it is said before anything is made', { timeout }, async () => {
  const name = newName();
  for (const [words, text] of [
    [['--datastore', 'none'], 'there is no datastore "none"'],
    [['--network', 'none'], 'there is no network "none"'],
    [['--folder', '/DC1/vm/none'], '/DC1/vm/none'],
    [['--pool', '/DC1/host/none'], '/DC1/host/none'],
    [['--name', 'pgtest1'], 'there is "pgtest1" in /DC1/vm already'],
    [['--node', 'none'], 'none'],
    [['--thin', '--thick'], 'contradict'],
    [['--libvirt', 'none'], '--libvirt is for --to kvm:'],
  ] as const) {
    for (const dry of [['--dry-run'], []]) {
      const refused = await restore(name, ...words, ...dry);
      expect(refused.exitCode, words.join(' ')).not.toBe(0);
      expect(refused.stderr, words.join(' ')).toContain(text);
    }
  }
  expect(await at.vcenter.findVm(name)).toBeNull();
  expect(await readFile(vm.disks[0]?.flatFile ?? '')).toBeTruthy();
});
