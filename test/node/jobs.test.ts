import { expect, test } from 'vitest';
import {
  assertSame,
  finished,
  fullRequest,
  imageSpec,
  incrementalRequest,
  makeRaw,
  MiB,
  target,
  testNode,
  workshop,
  writeAt,
} from './support.ts';

test('a full backup and then an incremental by digest give what the disk was', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), 9.5 * MiB, [
    [0, MiB],
    [5 * MiB, 3 * MiB],
  ]);
  const source = imageSpec(disk);
  {
    await using full = await target(at, 'full', 9.5 * MiB);
    await node.api.startBackup(fullRequest('job-1', source, [full.uri]));
    const job = await finished(node.api, 'job-1');
    expect(job).toMatchObject({ status: 'succeeded', error: null });
    await node.api.getIndex('job-1', '0', at.path('full.index'));
    await node.api.remove('job-1');
    await full.server.stop();
    assertSame(disk, 'raw', full.file);
    await node.api.putIndex(job.disks[0]!.index_sha256!, at.path('full.index'));
    await writeAt(disk, [MiB, Buffer.alloc(5, 1)], [6 * MiB, Buffer.alloc(MiB)]);
    await using next = await target(at, 'next', 9.5 * MiB, full.file);
    await node.api.startBackup(
      incrementalRequest('job-2', source, next.uri, {
        method: 'digest',
        changeId: job.disks[0]!.change_id,
        index: job.disks[0]!.index_sha256,
      }),
    );
    const second = await finished(node.api, 'job-2');
    expect(second).toMatchObject({ status: 'succeeded', disks: [{ bytes_transferred: MiB + 65_536, phase: 'done' }] });
    await node.api.remove('job-2');
    await next.server.stop();
    assertSame(disk, 'raw', next.file);
  }
}, 30_000);
