import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import { finished, MiB, target, testNode, workshop } from './support.ts';

test('a start request in flat form backs up a VM, full and then what changed', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using vcenter = await startVcenter();
  await using node = await testNode(at);
  const vm = await vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    disks: [{ capacity: 4 * MiB, content: Buffer.alloc(MiB, 5) }],
  });
  const key = String(vm.disks[0]?.key);
  const flat = {
    vm_name: 'pgtest1',
    vm_path: vm.path,
    vcenter_host: `${vcenter.host}:${vcenter.port}`,
    vcenter_user: vcenter.user,
    vcenter_password: vcenter.password,
    vcenter_thumbprint: vcenter.thumbprint,
  };
  const full = await target(at, 'full', 4 * MiB);
  await node.api.startBackup({ ...flat, job_id: 'full', nbd_targets: `${key}:${full.uri}`, backup_type: 'full' });
  const first = await finished(node.api, 'full');
  expect(first, JSON.stringify(first)).toMatchObject({
    status: 'succeeded',
    snapshot: { quiesced: true, transport: 'https' },
    disks: [{ key, change_id: expect.stringMatching(/\/[0-9]+$/) as string }],
  });
  await full[Symbol.asyncDispose]();
  execFileSync('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', full.file, await vm.frozen(0)]);

  await vm.write(0, 2 * MiB, Buffer.alloc(70_000, 6));
  const next = await target(at, 'next', 4 * MiB, full.file);
  await node.api.startBackup({
    ...flat,
    job_id: 'next',
    nbd_targets: `${key}:${next.uri}`,
    backup_type: 'incremental',
    previous_change_id: first.disks[0]?.change_id ?? '',
  });
  const second = await finished(node.api, 'next');
  expect(second, JSON.stringify(second)).toMatchObject({ status: 'succeeded', disks: [{ method: 'areas' }] });
  expect(second.disks[0]?.bytes_transferred).toBe(2 * 65_536);
  await next[Symbol.asyncDispose]();
  execFileSync('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', next.file, await vm.frozen(0)]);
  expect(await vm.snapshots()).toEqual([]);

  const wrong = { ...flat, vcenter_password: 'wrong', job_id: 'wrong', nbd_targets: `${key}:${next.uri}` };
  await node.api.startBackup({ ...wrong, backup_type: 'full' });
  expect(await finished(node.api, 'wrong')).toMatchObject({ status: 'failed', error: { code: 'vsphere.login' } });
  for (const job of ['full', 'next', 'wrong']) await node.api.remove(job);
});
