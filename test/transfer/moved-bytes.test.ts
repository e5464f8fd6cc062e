import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  assertSame,
  fullRequest,
  imageDisk,
  imageSpec,
  incrementalRequest,
  makeRaw,
  MiB,
  target,
  workshop,
  writeAt,
} from '../node/support.ts';
import { handIndexOn, runHere } from './run-here.ts';

const block = 65_536;
const size = 8 * MiB;

test.each([
  ['in one pass', { connections: 4, requests: 64, reconnect_seconds: 5 }],
  ['by nbdcopy', { connections: 4, requests: 64 }],
])('what was read, sent and covered are told apart: %s', { timeout: 300_000 }, async (_, tuning) => {
  await using at = await workshop();
  // Data, zeros that take room, and holes.
  const disk = await makeRaw(at.path('disk.raw'), size, [[0, MiB]]);
  await writeAt(disk, [2 * MiB, Buffer.alloc(MiB)]);
  const source = imageSpec(imageDisk(disk, { changes: at.path('changes.json') }));
  const changes = (changeId: string, since: string | null, areas: object[]) =>
    writeFile(
      at.path('changes.json'),
      JSON.stringify({ version: 1, capacity_bytes: size, change_id: changeId, since, areas }),
    );

  await changes('1', null, []);
  await using full = await target(at, 'full', size);
  const first = await runHere(at, { ...fullRequest('a', source, [full.uri]), tuning });
  await full.server.stop();
  expect(first.disks[0]).toMatchObject({ phase: 'done', bytes_read: 2 * MiB, bytes_sent: MiB });

  await writeAt(disk, [block, Buffer.from('changed')]);
  await changes('2', '1', [
    { offset: block, length: 512 },
    { offset: 4 * MiB, length: 3 * MiB },
  ]);
  await using next = await target(at, 'next', size, full.file);
  const areas = { method: 'areas', changeId: '1', index: await handIndexOn(at, first, 'b') } as const;
  const second = await runHere(at, { ...incrementalRequest('b', source, next.uri, areas), tuning });
  await next.server.stop();
  expect(second.disks[0]).toMatchObject({
    phase: 'done',
    bytes_transferred: 3 * MiB + block,
    bytes_read: block,
    bytes_sent: block,
  });

  await writeAt(disk, [3 * block, Buffer.from('changed')]);
  execFileSync('fallocate', ['--punch-hole', '--offset', String(8 * block), '--length', String(2 * block), disk]);
  await changes('3', 'other', []);
  await using last = await target(at, 'last', size, next.file);
  const digest = { method: 'digest', changeId: '2', index: await handIndexOn(at, second, 'c') } as const;
  const third = await runHere(at, { ...incrementalRequest('c', source, last.uri, digest), tuning });
  await last.server.stop();
  expect(third.disks[0]).toMatchObject({
    phase: 'done',
    bytes_transferred: 3 * block,
    bytes_read: 2 * MiB - 2 * block,
    bytes_sent: block,
  });
  assertSame(disk, 'raw', last.file);
});
