/** vSphere's list of changes does not lead over a restore in place (docs/restore.md): whatever comes between, no restore point and no disk is wrong. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { inPlaceMarkIn, noMark, withoutInPlaceLines } from '../../src/node/vsphere/in-place/in-place-mark.ts';
import { changeVm, lookAtVm } from '../../src/node/vsphere/new-vm/marked-vm.ts';
import { randomBytes } from '../support/random.ts';
import { MiB, vsphereWorkspace } from './vsphere-workspace.ts';

const timeout = 600_000;

/** A VM with one disk, and a plan for it. */
async function protectedVm() {
  await using stack = new AsyncDisposableStack();
  const at = stack.use(await vsphereWorkspace());
  const content = randomBytes(8 * MiB);
  const disks = [{ capacity: content.length, content }];
  const vm = await at.vcenter.addVm({ name: 'pgtest1', cbt: true, annotation: 'the accounts', disks });
  await at.plan('nightly.yaml', vm);
  const present = async (): Promise<Buffer> => {
    await vm.snapshots();
    return readFile(vm.disks[0]?.flatFile ?? '');
  };
  const held = stack.move();
  return {
    at,
    vm,
    present,
    /** Id of the restore point. */
    backUp: async (): Promise<string> => {
      const { exitCode, stderr, finished } = await at.run('nightly.yaml');
      if (exitCode !== 0) throw new Error(stderr);
      return finished.backup_id ?? '';
    },
    /** The restore point has what is on the disk. */
    expectOnDisk: async (id: string): Promise<void> => {
      const out = await at.work.call(['restore', 'pgtest1', '--point', id, '--to', at.work.path('next')]);
      expect(out, out.stderr).toMatchObject({ exitCode: 0 });
      expect((await readFile(at.work.path('next/disk-0.raw'))).equals(await present())).toBe(true);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

test('a backup after a restore that was given up is what is on the disk', { timeout }, async () => {
  await using stand = await protectedVm();
  const { at, vm, backUp, expectOnDisk } = stand;
  const point = await backUp();
  await vm.write(0, 0, randomBytes(6 * MiB));
  await backUp();
  await vm.power('off');
  await at.vcenter.fault('writes-untracked');
  await at.vcenter.vddkFault({ 'disk-full-after': 3 * MiB });
  const to = ['--to', 'vsphere:test-vcenter', '--in-place', '--no-safety-backup'];
  const failed = await at.work.call(['restore', 'pgtest1', '--point', point, ...to]);
  expect(failed.exitCode).not.toBe(0);
  expect(failed.stdout + failed.stderr).toContain('is restored in part');
  expect((await at.vcenter.writes()).length).toBeGreaterThan(0);
  await at.vcenter.vddkFault();
  // "To give up, and keep the disks as they are, remove `sendense.in-place` …, and the first two lines of its notes."
  {
    await using vsphere = await connectVsphere({ ...at.vcenter, ca: null });
    const object = { type: 'VirtualMachine', value: vm.moref } as const;
    await changeVm(vsphere, object, (seen) => [
      ['annotation', withoutInPlaceLines(seen.annotation)],
      ['extraConfig', [noMark()]],
    ]);
    expect(inPlaceMarkIn((await lookAtVm(vsphere, object))?.values.get('config.extraConfig'))).toBeNull();
  }
  const id = await backUp();
  const { disks } = await at.manifest(id);
  expect(disks[0]?.reason).toContain('restored in place');
  await expectOnDisk(id);
});

test(
  'a backup that began before a whole restore fails, and the next one is what is on the disk',
  { timeout },
  async () => {
    await using stand = await protectedVm();
    const { at, vm, backUp, expectOnDisk } = stand;
    const point = await backUp();
    await vm.write(0, 0, randomBytes(6 * MiB));
    await backUp();
    await vm.power('off');
    await at.vcenter.fault('writes-untracked');
    await at.vcenter.fault('slow', { for: 'CreateSnapshot_Task', ms: 30_000, count: 1 });
    await at.vcenter.clearCalls();
    const running = at.run('nightly.yaml');
    const asked = async (): Promise<string[]> => (await at.vcenter.calls()).map(({ method }) => method);
    await expect.poll(asked, { timeout: 60_000 }).toContain('CreateSnapshot_Task');
    const to = ['--to', 'vsphere:test-vcenter', '--in-place', '--no-safety-backup'];
    const done = await at.work.call(['restore', 'pgtest1', '--point', point, ...to]);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    const backup = await running;
    expect(backup.exitCode).not.toBe(0);
    expect(backup.finished.error).toMatchObject({ code: 'source.half_restored' });
    // The next one compares the disks with what the restore has written.
    const id = await backUp();
    await expectOnDisk(id);
  },
);

test('a restore during which another one was done writes what its point says', { timeout }, async () => {
  await using stand = await protectedVm();
  const { at, vm, backUp, present } = stand;
  const first = await backUp();
  await vm.write(0, 0, randomBytes(3 * MiB));
  const second = await backUp();
  const truth = await present();
  await vm.power('off');
  await at.vcenter.fault('writes-untracked');
  await at.vcenter.clearCalls();
  const to = ['--to', 'vsphere:test-vcenter', '--in-place'];
  const calls = async (): Promise<string[]> => (await at.vcenter.calls()).map(({ method }) => method);
  const a = at.work.call(['restore', 'pgtest1', '--point', second, ...to]);
  // Its safety backup has taken its snapshot away: what A logs in for next takes a while.
  await expect.poll(calls, { timeout: 60_000, interval: 20 }).toContain('RemoveSnapshot_Task');
  await at.vcenter.fault('slow', { for: 'Login', ms: 25_000, count: 1 });
  await at.vcenter.clearCalls();
  await expect.poll(calls, { timeout: 60_000, interval: 20 }).toContain('Login');
  const b = await at.work.call(['restore', 'pgtest1', '--point', first, ...to, '--no-safety-backup']);
  expect(b, b.stderr).toMatchObject({ exitCode: 0 });
  const done = await a;
  // On a busy machine the first one may find the other at work.
  const said = (done.stdout + done.stderr).replaceAll(/\s+/g, ' ');
  if (done.exitCode === 3) {
    expect((await present()).equals(truth)).toBe(true);
    expect(said).toMatch(
      /has restored the VM pgtest1 in place after the backup \S+: what was on its disks since is in no restore point/,
    );
    expect(said).not.toContain('the state before is restore point');
  } else expect(done.stderr).toContain('is being restored in place by run');
});
