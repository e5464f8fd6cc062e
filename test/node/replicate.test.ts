import { execFileSync } from 'node:child_process';
import { truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { serveNbd } from '../../src/host/nbd/qemu-nbd.ts';
import type { BackupStartRequest, JobDisk } from '../../src/schemas/types.ts';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import { ask, raw } from './raw-request.ts';
import {
  assertSame,
  finished,
  fullRequest,
  imageDisk,
  imageSpec,
  incrementalRequest,
  makeRaw,
  MiB,
  testNode,
  workshop,
  writeAt,
  type TestNode,
  type Workshop,
} from './support.ts';
import { randomBytes } from '../support/random.ts';

const size = 12 * MiB;
type Format = 'raw' | 'qcow2';

/** A target that is full of something else. */
async function oldTarget(at: Workshop, format: Format, bytes = size): Promise<string> {
  const file = at.path(`replica.${format}`);
  const noise = at.path('noise');
  await writeFile(noise, randomBytes(bytes));
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, noise, file]);
  return file;
}

/** Runs one replication into the file, which nobody serves before and after. */
async function replicate(
  at: Workshop,
  node: TestNode,
  target: { file: string; format: Format },
  requestFor: (uri: string) => BackupStartRequest,
): Promise<JobDisk> {
  const server = await serveNbd({
    file: target.file,
    format: target.format,
    readOnly: false,
    listen: { socket: at.path('replica.sock') },
    exportName: 'replica',
    pidFile: at.path('replica.pid'),
  });
  try {
    const request = requestFor(server.uri);
    expect(await ask(node, 'POST', '/api/v1/replicate', request)).toMatchObject({ job_id: request.job_id });
    const job = await finished(node.api, request.job_id);
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'succeeded' });
    return job.disks[0]!;
  } finally {
    await server.stop();
  }
}

describe.each<[Format, string, BackupStartRequest['tuning']]>([
  ['raw', 'copied and digested side by side', undefined],
  ['qcow2', 'copied and digested side by side', undefined],
  ['raw', 'in one pass', { connections: 2, requests: 16, disk_rate: 2 ** 40 }],
  ['qcow2', 'in one pass', { connections: 2, requests: 16, disk_rate: 2 ** 40 }],
])('a %s target that is kept in place, %s,', (format, _how, tuning) => {
  test(
    'is what the source is after a full over other data, areas, digests and another full',
    { timeout: 300_000 },
    async () => {
      await using at = await workshop();
      await using node = await testNode(at);
      const disk = await makeRaw(at.path('disk.raw'), size, [
        [0, MiB],
        [3 * MiB + 4096, 2 * MiB],
        [8 * MiB, MiB],
      ]);
      const changes = at.path('changes.json');
      const landmark = (id: string, since: string | null, areas: { offset: number; length: number }[]): Promise<void> =>
        writeFile(changes, JSON.stringify({ version: 1, capacity_bytes: size, change_id: id, since, areas }));
      await landmark('c1', null, []);
      const source = imageSpec(imageDisk(disk, { changes }));
      const target = { file: await oldTarget(at, format), format };
      const tuned = tuning ? { tuning } : {};

      await replicate(at, node, target, (uri) => ({
        ...fullRequest('full', source, [uri]),
        ...tuned,
        target_holds: 'anything',
      }));
      assertSame(disk, 'raw', target.file, format);

      // Data where there was none, zeros where there was data.
      await writeAt(disk, [6 * MiB + 123, randomBytes(5000)], [4 * MiB, Buffer.alloc(300_000)]);
      await landmark('c2', 'c1', [
        { offset: 4 * MiB, length: 300_000 },
        { offset: 6 * MiB + 123, length: 5000 },
      ]);
      const areas = await replicate(at, node, target, (uri) => ({
        ...incrementalRequest('areas', source, uri, { method: 'areas', changeId: 'c1', index: null }),
        ...tuned,
        target_holds: 'previous',
      }));
      expect(areas).toMatchObject({ method: 'areas', change_id: 'c2', bytes_transferred: 6 * 65_536 });
      assertSame(disk, 'raw', target.file, format);

      const index = at.path('areas.index');
      await node.api.getIndex('areas', '0', index);
      await node.api.putIndex(areas.index_sha256!, index);
      await writeAt(disk, [11 * MiB, randomBytes(70_000)], [8 * MiB, Buffer.alloc(MiB)]);
      const digest = await replicate(at, node, target, (uri) => ({
        ...incrementalRequest('digest', source, uri, { method: 'digest', changeId: 'c2', index: areas.index_sha256 }),
        ...tuned,
        target_holds: 'previous',
      }));
      expect(digest).toMatchObject({ method: 'digest', bytes_transferred: MiB + 2 * 65_536 });
      assertSame(disk, 'raw', target.file, format);

      // A source with holes where the target has data.
      await truncate(disk, 0);
      await truncate(disk, size);
      await writeAt(disk, [5 * MiB, randomBytes(MiB)]);
      await replicate(at, node, target, (uri) => ({
        ...fullRequest('again', source, [uri]),
        ...tuned,
        target_holds: 'previous',
      }));
      assertSame(disk, 'raw', target.file, format);
      for (const job of ['full', 'areas', 'digest', 'again']) await node.api.remove(job);
    },
  );
});

test('a VM of vSphere is replicated into a raw file, whole and then what changed', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using vcenter = await startVcenter();
  await using node = await testNode(at);
  const content = randomBytes(MiB);
  const vm = await vcenter.addVm({ name: 'pgtest1', cbt: true, disks: [{ capacity: 4 * MiB, content }] });
  const key = String(vm.disks[0]?.key);
  const target = { file: await oldTarget(at, 'raw', 4 * MiB), format: 'raw' as const };
  const flat = {
    vm_name: 'pgtest1',
    vm_path: vm.path,
    vcenter_host: `${vcenter.host}:${vcenter.port}`,
    vcenter_user: vcenter.user,
    vcenter_password: vcenter.password,
    vcenter_thumbprint: vcenter.thumbprint,
  };
  const full = await replicate(at, node, target, (uri) => ({
    ...flat,
    job_id: 'full',
    nbd_targets: `${key}:${uri}`,
    backup_type: 'full',
    target_holds: 'anything',
  }));
  execFileSync('cmp', [target.file, await vm.frozen(0)]);
  await vm.write(0, 0, Buffer.alloc(200_000));
  await vm.write(0, 2 * MiB, randomBytes(70_000));
  const next = await replicate(at, node, target, (uri) => ({
    ...flat,
    job_id: 'next',
    nbd_targets: `${key}:${uri}`,
    backup_type: 'incremental',
    previous_change_id: full.change_id,
    target_holds: 'previous',
  }));
  expect(next).toMatchObject({ method: 'areas', bytes_transferred: 6 * 65_536 });
  execFileSync('cmp', [target.file, await vm.frozen(0)]);
  expect(await vm.snapshots()).toEqual([]);
  for (const job of ['full', 'next']) await node.api.remove(job);
});

test('who replicates says what the target holds, and an incremental needs a target that is known', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const uri = 'nbd://127.0.0.1:10100/x';
  const full = fullRequest('j', imageSpec('/disk.raw'), [uri]);
  const next = incrementalRequest('j', imageSpec('/disk.raw'), uri, { method: 'digest', changeId: 'c', index: null });
  const cases: [path: string, request: BackupStartRequest, field: string][] = [
    ['replicate', full, '/target_holds'],
    ['replicate', { ...full, target_holds: 'nothing' }, '/target_holds'],
    ['replicate', { ...next, target_holds: 'anything' }, '/backup_type'],
    ['replicate', { ...full, target_holds: 'previous', nbd_targets: 'x' }, '/nbd_targets'],
    ['backup/start', { ...next, target_holds: 'previous' }, '/target_holds'],
    ['backup/start', { ...full, target_holds: 'anything' }, '/target_holds'],
  ];
  for (const [path, request, field] of cases) {
    const { status, body } = await raw(node, 'POST', `/api/v1/${path}`, JSON.stringify(request));
    expect([path, request.target_holds, status, body.field]).toEqual([path, request.target_holds, 400, field]);
  }
});
