/** A restore in place that failed in the middle is given up as docs/restore.md says. The next backup is to be what is on the disk. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { inPlaceMarkIn, noMark, withoutInPlaceLines } from '../../src/node/vsphere/in-place/in-place-mark.ts';
import { changeVm, lookAtVm } from '../../src/node/vsphere/new-vm/marked-vm.ts';
import { randomBytes } from '../support/random.ts';
import { MiB, vsphereWorkspace } from '../e2e/vsphere-workspace.ts';

test('a backup after a restore in place that was given up is what is on the disk', { timeout: 600_000 }, async () => {
  await using at = await vsphereWorkspace();
  const vm = await at.vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    annotation: 'the accounts',
    disks: [{ capacity: 8 * MiB, content: randomBytes(8 * MiB) }],
  });
  await at.plan('nightly.yaml', vm);
  const backUp = async (): Promise<string> => {
    const { exitCode, stderr, finished } = await at.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
    return finished.backup_id ?? '';
  };
  const point = await backUp();
  await vm.write(0, 0, randomBytes(6 * MiB));
  await backUp();
  await vm.power('off');
  // vSphere's list of changes does not lead over a restore (docs/restore.md).
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
  await vm.snapshots();
  const present = await readFile(vm.disks[0]?.flatFile ?? '');
  const out = await at.work.call(['restore', 'pgtest1', '--point', id, '--to', at.work.path('next')]);
  expect(out, out.stderr).toMatchObject({ exitCode: 0 });
  expect((await readFile(at.work.path('next/disk-0.raw'))).equals(present)).toBe(true);
});
