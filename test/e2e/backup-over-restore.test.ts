/** A restore in place happens whole while a backup has looked at the VM and has no snapshot yet. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { randomBytes } from '../support/random.ts';
import { MiB, vsphereWorkspace } from '../e2e/vsphere-workspace.ts';

test('a backup that began before a restore in place is what is on the disk', { timeout: 600_000 }, async () => {
  await using at = await vsphereWorkspace();
  const vm = await at.vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
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
  await at.vcenter.fault('writes-untracked');
  await at.vcenter.fault('slow', { for: 'CreateSnapshot_Task', ms: 30_000, count: 1 });
  await at.vcenter.clearCalls();
  const running = at.run('nightly.yaml');
  const asked = async (): Promise<string[]> => (await at.vcenter.calls()).map(({ method }) => method);
  await expect.poll(asked, { timeout: 60_000 }).toContain('CreateSnapshot_Task');
  const to = ['--to', 'vsphere:test-vcenter', '--in-place', '--no-safety-backup'];
  const done = await at.work.call(['restore', 'pgtest1', '--point', point, ...to]);

  expect(done.exitCode).toBe(0);
  const backup = await running;
  expect(backup.exitCode).not.toBe(0);
  expect(backup.finished.error).toMatchObject({ code: 'source.half_restored' });
  // The next one compares the disks with what the restore has written.
  const id = await backUp();
  await vm.snapshots();
  const present = await readFile(vm.disks[0]?.flatFile ?? '');
  const out = await at.work.call(['restore', 'pgtest1', '--point', id, '--to', at.work.path('next')]);
  expect(out, out.stderr).toMatchObject({ exitCode: 0 });
  expect((await readFile(at.work.path('next/disk-0.raw'))).equals(present)).toBe(true);
});
