/** One hub, two restores in place of one VM, one after the other, the first one's safety backup before both. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { randomBytes } from '../support/random.ts';
import { MiB, vsphereWorkspace } from '../e2e/vsphere-workspace.ts';

test('a restore during which another one was done writes what its point says', { timeout: 600_000 }, async () => {
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
  const contents = async (): Promise<Buffer> => {
    await vm.snapshots();
    return readFile(vm.disks[0]?.flatFile ?? '');
  };
  const first = await backUp();
  await vm.write(0, 0, randomBytes(3 * MiB));
  const second = await backUp();
  const truth = await contents();
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

  expect(b.exitCode).toBe(0);
  const done = await a;

  if (done.exitCode === 0) expect((await contents()).equals(truth)).toBe(true);
});
