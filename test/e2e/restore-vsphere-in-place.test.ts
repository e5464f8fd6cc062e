import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testProgram } from '../programs.ts';
import { rawSoap } from '../simulators/vcenter/raw-soap.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { randomBytes } from '../support/random.ts';
import { noMark } from '../../src/node/vsphere/in-place/in-place-mark.ts';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { changeVm } from '../../src/node/vsphere/new-vm/marked-vm.ts';
import { isTorn, MiB, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';
import { program } from './workspace.ts';

const timeout = 600_000;
const block = 65_536;
const killedRun = testProgram('e2e/killed-run-child');

let at: VsphereWorkspace;
let vm: SimulatedVm;
/** Of the two disks, as the restore point has them. */
let truth: Buffer[];
let point: string;

const contents = async (): Promise<Buffer[]> => {
  await vm.snapshots();
  return Promise.all(vm.disks.map(({ flatFile }) => readFile(flatFile)));
};

beforeAll(async () => {
  at = await vsphereWorkspace();
  vm = await at.vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    annotation: 'the accounts',
    disks: [
      { capacity: 8 * MiB, content: randomBytes(5 * MiB) },
      { capacity: 4 * MiB, content: randomBytes(2 * MiB) },
    ],
  });
  await at.plan('nightly.yaml', vm);
  point = await backUp();
  truth = await contents();
}, timeout);
afterAll(() => at[Symbol.asyncDispose]());
beforeEach(async () => {
  await at.vcenter.vddkFault();
  await at.vcenter.clearFaults();
  await vm.power('off');
});

async function backUp(): Promise<string> {
  const { exitCode, stderr, finished } = await at.run('nightly.yaml');
  if (exitCode !== 0) throw new Error(stderr);
  return finished.backup_id ?? '';
}
const restore = (...words: string[]) =>
  at.work.call(['restore', 'pgtest1', '--point', point, '--to', 'vsphere:test-vcenter', '--in-place', ...words]);
const expectRestored = async (): Promise<void> => {
  expect((await contents()).map((now, disk) => now.equals(truth[disk] ?? Buffer.alloc(0)))).toEqual([true, true]);
};
const spoil = async (): Promise<void> => {
  await vm.write(0, 3 * block, randomBytes(2 * block));
  await vm.write(0, 7 * MiB, randomBytes(100));
  await vm.write(1, 0, Buffer.alloc(block));
};
/** Blocks that {@link spoil} makes differ. */
const spoiled = 4 * block;
const bytesSince = async (before: number): Promise<number> =>
  (await at.vcenter.writes()).slice(before).reduce((sum, { length }) => sum + length, 0);

test(
  'a VM goes back: the present state is saved, only what differs is written, and the next backups know of it',
  { timeout },
  async () => {
    await spoil();
    const shown = await restore('--dry-run');
    expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('a backup to primary, first');
    expect(shown.stdout).toContain('what has changed since is written');
    const present = await contents();
    const before = (await at.vcenter.writes()).length;
    const done = await restore();
    expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
    await expectRestored();
    expect(await bytesSince(before)).toBe(spoiled);
    expect(done.stdout).toContain('its hardware and its NVRAM are as they were');
    const listed = JSON.parse((await at.work.call(['list', 'pgtest1', '--json'])).stdout) as {
      points: { backup_id: string }[];
    };
    const safety = listed.points.find(({ backup_id: id }) => id !== point)?.backup_id ?? '';
    expect(done.stdout).toContain(`the state before is restore point ${safety}`);
    const further = await restore('--dry-run');
    expect(further.stdout).toMatch(/: [1-9][0-9.]* ?\w+ differ between .*; what has changed since comes on top/);
    expect(await at.manifest(safety)).toMatchObject({ before_restore: point });
    // `latest` is the state of the last backup, not the one that was given up.
    const latest = await at.work.call(['restore', 'pgtest1', '--to', at.work.path('latest')]);
    expect(latest, latest.stderr).toMatchObject({ exitCode: 0 });
    expect((await readFile(at.work.path('latest/disk-0.raw'))).equals(truth[0] ?? Buffer.alloc(0))).toBe(true);
    // The next backup compares by digest, says why, and is what is on the disk.
    await vm.write(0, 0, truth[0]?.subarray(0, 512) ?? Buffer.alloc(0));
    const id = await backUp();
    const manifest = await at.manifest(id);
    expect(manifest.disks.map(({ method, reason }) => [method, reason])).toEqual([
      ['digest', expect.stringContaining(`restored in place from ${point} since`)],
      ['digest', expect.stringContaining(`restored in place from ${point} since`)],
    ]);
    const out = await at.work.call(['restore', 'pgtest1', '--point', id, '--to', at.work.path('next')]);
    expect(out, out.stderr).toMatchObject({ exitCode: 0 });
    for (const disk of [0, 1])
      expect((await readFile(at.work.path(`next/disk-${disk}.raw`))).equals(truth[disk] ?? Buffer.alloc(0))).toBe(true);
    const after = await at.manifest(await backUp());
    expect(after.disks.map(({ method }) => method)).toEqual(['areas', 'areas']);
    // And one can go back.
    const back = await restore('--point', safety, '--no-safety-backup', '--compare-all');
    expect(back, back.stderr).toMatchObject({ exitCode: 0 });
    expect((await contents()).map((now, disk) => now.equals(present[disk] ?? Buffer.alloc(0)))).toEqual([true, true]);
  },
);

describe('a restore that does not come to its end', () => {
  test('leaves a mark, is never backed up, and goes on with the same command', { timeout }, async () => {
    await spoil();
    await at.vcenter.vddkFault({ 'disk-full-after': block });
    const failed = await restore('--no-safety-backup');
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stdout + failed.stderr).toContain('is restored in part');
    await at.vcenter.vddkFault();
    const backup = await at.run('nightly.yaml');
    expect(backup.exitCode).not.toBe(0);
    expect(backup.finished.error).toMatchObject({ code: 'source.half_restored' });
    // One disk alone would leave the other one torn, and no mark.
    const half = await restore('--disk', '1');
    expect(half.exitCode).not.toBe(0);
    expect(half.stderr).toContain('restore that disk as well');
    const done = await restore();
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    await expectRestored();
    await backUp();
  });

  test('overwrites no other disk without a backup, and names none that is gone', { timeout }, async () => {
    await spoil();
    await at.vcenter.vddkFault({ 'disk-full-after': block });
    const failed = await restore('--disk', '0');
    expect(failed.stdout + failed.stderr).toContain('is restored in part');
    await at.vcenter.vddkFault();
    const before = (await at.vcenter.writes()).length;
    for (const dry of [['--dry-run'], []]) {
      const both = await restore(...dry);
      expect(both.exitCode).not.toBe(0);
      expect(both.stderr.replaceAll(/\s+/g, ' ')).toContain(
        'does not write to Hard disk 2: what is there would be lost',
      );
    }
    expect((await at.vcenter.writes()).length).toBe(before);
    const list = await at.work.call(['list', 'pgtest1', '--json']);
    const { points } = JSON.parse(list.stdout) as { points: { backup_id: string; created: number }[] };
    const safety = points.toSorted((one, other) => one.created - other.created).at(-1)?.backup_id ?? '';
    const image = at.work.path(`repository/pgtest1/disk-0/${safety}.qcow2`);
    await rename(image, `${image}.away`);
    await at.vcenter.vddkFault({ 'disk-full-after': block });
    const again = await restore('--disk', '0');
    await at.vcenter.vddkFault();
    const text = (outcome: typeof again): string => (outcome.stdout + outcome.stderr).replaceAll(/\s+/g, ' ');
    expect(text(again)).toContain(`${safety}, is damaged:`);
    expect(text(again)).toContain('no restore point has all of the state before');
    await rename(`${image}.away`, image);
    const done = await restore('--disk', '0');
    expect(done, text(done)).toMatchObject({ exitCode: 0 });
    expect(text(done)).toContain(`the state before is restore point ${safety}`);
    const rest = await restore();
    expect(rest, rest.stderr).toMatchObject({ exitCode: 0 });
    await expectRestored();
  });

  test('says that a VM that somebody unregisters in the middle is restored in part', { timeout }, async () => {
    const other = await at.vcenter.addVm({
      name: 'pgtest2',
      cbt: true,
      disks: [{ capacity: 8 * MiB, content: randomBytes(5 * MiB) }],
    });
    await at.work.write(
      'other.yaml',
      (await readFile(at.work.path('nightly.yaml'), 'utf8'))
        .replaceAll('pgtest1', 'pgtest2')
        .replace('name: nightly', 'name: other'),
    );
    const saved = await at.run('other.yaml');
    expect(saved.exitCode, saved.stderr).toBe(0);
    await other.power('off');
    await other.write(0, 0, randomBytes(8 * MiB));
    const soap = rawSoap(at.vcenter);
    await soap.login();
    await at.vcenter.vddkFault({ 'slow-ms': 400 });
    const before = (await at.vcenter.writes()).length;
    const to = ['--to', 'vsphere:test-vcenter', '--in-place', '--no-safety-backup'];
    const going = at.work.call(['restore', 'pgtest2', ...to]);
    await expect.poll(async () => (await at.vcenter.writes()).length, { timeout: 100_000 }).toBeGreaterThan(before + 1);
    await soap.call('UnregisterVM', 'VirtualMachine', other.moref, '');
    await at.vcenter.vddkFault();
    const failed = await going;
    expect(failed.exitCode, failed.stdout).not.toBe(0);
    const said = (failed.stdout + failed.stderr).replaceAll(/\s+/g, ' ');
    expect(said).toContain('the VM pgtest2 in vSphere');
    expect(said).toContain('somebody has deleted or unregistered it');
  });

  test('whose mark somebody removes in the middle is told of, now and by the next one', { timeout }, async () => {
    await vm.write(0, 0, randomBytes(8 * MiB));
    await at.vcenter.vddkFault({ 'slow-ms': 400 });
    const before = (await at.vcenter.writes()).length;
    const going = restore('--no-safety-backup');
    await expect.poll(async () => (await at.vcenter.writes()).length, { timeout: 100_000 }).toBeGreaterThan(before + 1);
    await using vsphere = await connectVsphere({ ...at.vcenter, ca: null });
    await changeVm(vsphere, { type: 'VirtualMachine', value: vm.moref }, () => [['extraConfig', [noMark()]]]);
    await at.vcenter.vddkFault();
    const failed = await going;
    expect(failed.exitCode, failed.stdout).not.toBe(0);
    expect((failed.stdout + failed.stderr).replaceAll(/\s+/g, ' ')).toContain(
      'is restored in part, and somebody has removed the mark that said so',
    );
    const done = await restore();
    expect(done.exitCode, done.stderr).toBe(3);
    expect((done.stdout + done.stderr).replaceAll(/\s+/g, ' ')).toContain(
      'what was on its disks before this restore was not whole',
    );
    await expectRestored();
    const whole = await restore('--no-safety-backup');
    expect(whole, whole.stderr).toMatchObject({ exitCode: 0 });
  });

  test('is not taken over while it goes on, whatever the second one says', { timeout }, async () => {
    await spoil();
    await vm.write(0, 0, randomBytes(8 * MiB));
    await at.vcenter.vddkFault({ 'slow-ms': 400 });
    const before = (await at.vcenter.writes()).length;
    const first = restore('--no-safety-backup');
    await expect.poll(async () => (await at.vcenter.writes()).length, { timeout: 100_000 }).toBeGreaterThan(before);
    for (const dry of [['--dry-run'], []]) {
      const second = await restore('--no-safety-backup', '--take-over', ...dry);
      expect(second.exitCode, second.stderr).toBe(12);
      expect(second.stderr).toContain('of this hub');
      expect(second.stderr).toContain('has not ended');
    }
    await at.vcenter.vddkFault();
    const done = await first;
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    await expectRestored();
    expect(await isTorn(at, vm)).toBe(false);
  });

  test.each([
    ['restore.safeguard', 'after', false],
    ['restore.write', 'before', false],
    ['restore.write', 'after', true],
    ['restore.verify', 'after', true],
    ['restore.publish', 'before', true],
    ['restore.publish', 'after', false],
  ])('kill -9 at %s (%s): the same command completes it', { timeout }, async (uses, when, isMarked) => {
    await spoil();
    const saves = uses === 'restore.safeguard';
    await at.work.write(
      'back.yaml',
      `kind: restore\nname: back\nvm: { name: pgtest1 }\nrepository: primary\npoint: ${point}\nto: { inPlace: test-vcenter, safetyBackup: ${saves} }\n`,
    );
    const killed = await execa(process.execPath, [killedRun, at.work.path('back.yaml'), uses, when], {
      reject: false,
      env: at.vcenter.vddkEnvironment,
    });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const recovered = await at.work.call(['recover']);
    expect(recovered.exitCode, recovered.stderr).toBe(0);
    expect(await isTorn(at, vm)).toBe(isMarked);
    const done = await restore('--no-safety-backup');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    await expectRestored();
    expect(await isTorn(at, vm)).toBe(false);
  });
});

test('what speaks against it is said before anything is written or saved', { timeout }, async () => {
  const before = (await at.vcenter.writes()).length;
  const refused = async (text: string, ...words: string[]): Promise<void> => {
    for (const dry of [['--dry-run'], []]) {
      const outcome = await restore(...words, ...dry);
      expect(outcome.exitCode, text).not.toBe(0);
      expect(outcome.stderr).toContain(text);
    }
  };
  await vm.power('on');
  await refused('it is on: switch it off');
  await vm.power('off');
  const snapshot = await vm.snapshot('before the update');
  await refused('it has snapshots: before the update');
  await vm.removeSnapshot(snapshot);
  await refused('--name is for', '--name', 'other');
  await refused('none', '--node', 'none');
  await refused('--thin is for new disks', '--thin');
  expect((await at.vcenter.writes()).length).toBe(before);
});

// The last one: the VM may start when nobody looks any more.
test(
  'Ctrl-C while vSphere does not answer a start: the restore is whole, and within seconds that is said',
  { timeout },
  async () => {
    await spoil();
    await at.vcenter.clearCalls();
    await at.vcenter.fault('slow-task', { method: 'PowerOnVM_Task', ms: 900_000, count: 1 });
    await at.vcenter.fault('method', { method: 'CancelTask', fault: 'NotSupported' });
    const to = ['--to', 'vsphere:test-vcenter', '--in-place', '--no-safety-backup', '--power-on'];
    const hub = spawn(process.execPath, [program, 'restore', 'pgtest1', '--point', point, ...to], {
      cwd: at.work.folder,
      env: { ...process.env, ...at.vcenter.vddkEnvironment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = Promise.all([hub.stdout, hub.stderr].map((stream) => textOf(stream)));
    const asked = async (): Promise<string[]> => (await at.vcenter.calls()).map(({ method }) => method);
    await expect.poll(asked, { timeout: 100_000, interval: 50 }).toContain('PowerOnVM_Task');
    const before = performance.now();
    hub.kill('SIGINT');
    const [exitCode] = (await once(hub, 'exit')) as [number];
    const all = (await said).join('\n').replaceAll(/\s+/g, ' ');
    expect(performance.now() - before).toBeLessThan(60_000);
    expect(exitCode, all).toBe(3);
    expect(all).toContain('is restored, and vSphere was told to start it, but has not answered yet');
    expect(all).not.toContain('in part');
    await expectRestored();
    expect(await isTorn(at, vm)).toBe(false);
  },
);
