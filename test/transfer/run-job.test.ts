import { execFileSync } from 'node:child_process';
import { rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSource } from '../../src/node/sources/index.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import {
  assertSame,
  convert,
  fullRequest,
  imageDisk,
  imageSpec,
  incrementalRequest,
  makeRaw,
  MiB,
  sha256Of,
  target,
  until,
  workshop,
  writeAt,
  type Workshop,
} from '../node/support.ts';
import { handIndexOn, runHere } from './run-here.ts';
import { randomBytes } from '../support/random.ts';

const block = 65_536;

/** A full and an incremental by digest of a disk that `change` alters in between; compares both with the disk. */
async function fullThenDigest(
  at: Workshop,
  disk: string,
  format: string,
  size: number,
  change: () => Promise<unknown>,
) {
  const source = imageSpec(disk);
  await using full = await target(at, 'full', size);
  const first = await runHere(at, fullRequest('a', source, [full.uri]));
  expect(first).toMatchObject({ status: 'succeeded', error: null });
  await full.server.stop();
  assertSame(disk, format, full.file);
  await change();
  const index = await handIndexOn(at, first, 'b');
  await using next = await target(at, 'next', size, full.file);
  const changeId = first.disks[0]!.change_id;
  const second = await runHere(at, incrementalRequest('b', source, next.uri, { method: 'digest', changeId, index }));
  expect(second).toMatchObject({ status: 'succeeded', error: null });
  await next.server.stop();
  assertSame(disk, format, next.file);
  return { first: first.disks[0]!, second: second.disks[0]!, status: second };
}

test.each([
  ['1 MiB', MiB],
  ['9.5 MiB', 9.5 * MiB],
  ['a tail of 512 bytes', 3 * MiB + 512],
])(
  'raw, %s: full, then changed, zeroed and last blocks',
  async (_, size) => {
    await using at = await workshop();
    const disk = await makeRaw(at.path('disk.raw'), size, [
      [0, MiB],
      [size - 512, 512],
    ]);
    const { first, second, status } = await fullThenDigest(at, disk, 'raw', size, () =>
      writeAt(
        disk,
        [3 * block + 100, Buffer.from('changed')],
        [5 * block, Buffer.alloc(2 * block)],
        [size - 8, Buffer.from('changed!')],
      ),
    );
    expect(validatorOf('domain.json#/$defs/jobStatus')(status)).toBe(true);
    const last = size % block || block;
    expect(second.bytes_transferred).toBe(3 * block + last);
    expect(first.change_id).toBe(`digest:${first.digest}`);
    expect(second.index_sha256).toBe(await sha256Of(join(at.path('b'), '0.index')));
    expect(second.change_id).not.toBe(first.change_id);
  },
  300_000,
);

test('a full onto a target that an attempt before left half-written has the zeros of the source too', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 4 * MiB, [[0, 4 * MiB]]);
  await using full = await target(at, 'full', 4 * MiB);
  expect(await runHere(at, fullRequest('a', imageSpec(disk), [full.uri]))).toMatchObject({ status: 'succeeded' });
  await writeAt(disk, [MiB, Buffer.alloc(MiB)], [3 * MiB + 7, Buffer.from('x')]);
  expect(await runHere(at, fullRequest('b', imageSpec(disk), [full.uri]))).toMatchObject({ status: 'succeeded' });
  await full.server.stop();
  assertSame(disk, 'raw', full.file);
});

test('a raw disk that ends in the middle of a sector reads as zeros to the end of it', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB + 100, [[MiB - 100, 200]]);
  await writeAt(disk, [MiB + 99, Buffer.from('a')]);
  const { second } = await fullThenDigest(at, disk, 'raw', MiB + 512, () =>
    writeAt(disk, [MiB + 99, Buffer.from('z')]),
  );
  expect(second).toMatchObject({ capacity_bytes: MiB + 512, bytes_transferred: 512 });
});

test.each(['qcow2', 'vmdk', 'vhdx'])(
  '%s: full and incremental',
  async (format) => {
    await using at = await workshop();
    const size = 5 * MiB;
    const raw = await makeRaw(at.path('disk.raw'), size, [
      [MiB, MiB],
      [3 * MiB, block],
    ]);
    const disk = convert(raw, at.path(`disk.${format}`), format);
    const { second } = await fullThenDigest(at, disk, format, size, async () => {
      await writeAt(raw, [MiB + block, Buffer.alloc(block)], [4 * MiB, Buffer.alloc(100, 7)]);
      await rm(disk);
      convert(raw, disk, format);
    });
    expect(second.bytes_transferred).toBe(2 * block);
  },
  300_000,
);

test('a sparse disk of 2 TiB costs what it holds', async () => {
  await using at = await workshop();
  const size = 2 ** 41;
  const disk = await makeRaw(at.path('disk.raw'), size, [
    [0, block],
    [2 ** 40 + 12_345, 1000],
    [size - 4096, 4096],
  ]);
  const { first, second } = await fullThenDigest(at, disk, 'raw', size, () =>
    writeAt(disk, [2 ** 40, Buffer.alloc(10, 1)]),
  );
  expect(first.bytes_transferred).toBeLessThan(MiB);
  expect(second.bytes_transferred).toBe(block);
});

test('when nothing changed nothing is sent, but the target must be there', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, MiB]]);
  const { first, second } = await fullThenDigest(at, disk, 'raw', MiB, async () => {});
  expect(second).toMatchObject({ bytes_transferred: 0, change_id: first.change_id, phase: 'done' });
  const index = await handIndexOn(at, { job_id: 'b', disks: [second] } as never, 'c');
  const gone = incrementalRequest('c', imageSpec(disk), 'nbd://127.0.0.1:1/gone', {
    method: 'digest',
    changeId: first.change_id,
    index,
  });
  expect(await runHere(at, gone)).toMatchObject({
    status: 'failed',
    error: { message: expect.stringContaining('nbd://127.0.0.1:1/gone') },
  });
});

test('fragmented changes', async () => {
  await using at = await workshop();
  const size = 32 * MiB;
  const disk = await makeRaw(at.path('disk.raw'), size, [[0, size]]);
  const places = Array.from({ length: 200 }, (_, number) => (number * 37 * 4096 * 7 + number) % (size - 1));
  const { second } = await fullThenDigest(at, disk, 'raw', size, () =>
    writeAt(disk, ...places.map((place) => [place, Buffer.from([0])] as const)),
  );
  expect(second.bytes_transferred).toBeLessThanOrEqual(200 * block);
});

const changesFile = async (
  at: Workshop,
  since: string | null,
  areas: { offset: number; length: number }[],
  capacity: number,
) =>
  writeFile(
    at.path('changes.json'),
    JSON.stringify({ version: 1, capacity_bytes: capacity, change_id: `after-${since}`, since, areas }),
  );

test('with a changes file only its areas are read and sent, zeros in them too', async () => {
  await using at = await workshop();
  const size = 8 * MiB + 512;
  const disk = await makeRaw(at.path('disk.raw'), size, [
    [0, 4 * MiB],
    [size - 512, 512],
  ]);
  const source = imageSpec(imageDisk(disk, { changes: at.path('changes.json') }));
  await changesFile(at, null, [], size);
  await using full = await target(at, 'full', size);
  const first = await runHere(at, fullRequest('a', source, [full.uri]));
  expect(first.disks[0]).toMatchObject({ phase: 'done', change_id: 'after-null' });
  await full.server.stop();

  await writeAt(disk, [MiB + 1000, Buffer.alloc(block)], [size - 10, Buffer.from('tail')]);
  await changesFile(
    at,
    'after-null',
    [
      { offset: MiB + 1000, length: block },
      { offset: size - 10, length: 10 },
    ],
    size,
  );
  await using next = await target(at, 'next', size, full.file);
  const index = await handIndexOn(at, first, 'b');
  const second = await runHere(
    at,
    incrementalRequest('b', source, next.uri, { method: 'areas', changeId: 'after-null', index }),
  );
  expect(second).toMatchObject({
    status: 'succeeded',
    disks: [{ method: 'areas', reason: '', change_id: 'after-after-null', bytes_transferred: 2 * block + 512 }],
  });
  await next.server.stop();
  assertSame(disk, 'raw', next.file);

  // The index that was carried over is the one that reading the whole disk gives.
  await using check = await target(at, 'check', size);
  const whole = await runHere(at, fullRequest('whole', source, [check.uri]));
  expect(second.disks[0]!.digest).toBe(whole.disks[0]!.digest);
});

test('a changes file that counts from elsewhere is not believed: digests decide, and the reason is said', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 2 * MiB, [[0, MiB]]);
  const source = imageSpec(imageDisk(disk, { changes: at.path('changes.json') }));
  await changesFile(at, null, [], 2 * MiB);
  await using full = await target(at, 'full', 2 * MiB);
  const first = await runHere(at, fullRequest('a', source, [full.uri]));
  await full.server.stop();
  await writeAt(disk, [block, Buffer.from('y')]);
  await changesFile(at, 'reset', [], 2 * MiB);
  await using next = await target(at, 'next', 2 * MiB, full.file);
  const without = await runHere(
    at,
    incrementalRequest('none', source, next.uri, { method: 'areas', changeId: 'after-null', index: null }),
  );
  expect(without).toMatchObject({
    status: 'failed',
    error: { code: 'job.failed', message: expect.stringContaining('no previous block index') },
  });
  const index = await handIndexOn(at, first, 'b');
  const second = await runHere(
    at,
    incrementalRequest('b', source, next.uri, { method: 'areas', changeId: 'after-null', index }),
  );
  expect(second.disks[0]).toMatchObject({
    method: 'digest',
    reason: expect.stringContaining('reset'),
    bytes_transferred: block,
    change_id: 'after-reset',
  });
  await next.server.stop();
  assertSame(disk, 'raw', next.file);
});

test('a previous index that is not the one of the previous change id is refused', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, MiB]]);
  await using full = await target(at, 'full', MiB);
  const first = await runHere(at, fullRequest('a', imageSpec(disk), [full.uri]));
  const index = await handIndexOn(at, first, 'b');
  const wrong = { method: 'digest', changeId: `digest:sha256:${'0'.repeat(64)}`, index } as const;
  const refused = await runHere(at, incrementalRequest('b', imageSpec(disk), full.uri, wrong));
  expect(refused).toMatchObject({
    status: 'failed',
    error: { code: 'job.failed', message: expect.stringContaining(first.disks[0]!.digest!) },
  });
  const other = '1'.repeat(64);
  await rename(join(at.path('b'), `${index}.previous`), join(at.path('b'), `${other}.previous`));
  await rm(at.path('b.s'), { recursive: true });
  const damaged = await runHere(at, incrementalRequest('b', imageSpec(disk), full.uri, { ...wrong, index: other }));
  expect(damaged).toMatchObject({ status: 'failed', error: { message: expect.stringContaining(index) } });
});

test('a disk that grew, and a target of another size, are refused before a byte is written', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, MiB]]);
  await using full = await target(at, 'full', MiB);
  const first = await runHere(at, fullRequest('a', imageSpec(disk), [full.uri]));
  const index = await handIndexOn(at, first, 'c');
  await truncate(disk, 2 * MiB);
  expect(await runHere(at, fullRequest('b', imageSpec(disk), [full.uri]))).toMatchObject({
    status: 'failed',
    error: { code: 'job.failed', message: expect.stringMatching(/2097152 bytes.*1048576/) },
  });
  await using grown = await target(at, 'grown', 2 * MiB);
  const changeId = first.disks[0]!.change_id;
  expect(
    await runHere(at, incrementalRequest('c', imageSpec(disk), grown.uri, { method: 'digest', changeId, index })),
  ).toMatchObject({
    status: 'failed',
    error: { message: expect.stringContaining('of a disk of 1048576 bytes') },
  });
});

test('a disk that changes while it is read fails the job', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 64 * MiB, [[0, 32 * MiB]]);
  await using full = await target(at, 'full', 64 * MiB);
  let writing: NodeJS.Timeout | undefined;
  const job = await runHere(at, fullRequest('a', imageSpec(disk), [full.uri]), {
    openSource: async (...how) => {
      const source = await openSource(...how);
      const opened: typeof source.disk = async (...which) => {
        const served = await source.disk(...which);
        // Before that it would be busy.
        writing = setInterval(() => void writeAt(disk, [0, randomBytes(1)]), 5);
        return served;
      };
      return { ...source, disk: opened };
    },
  });
  clearInterval(writing);
  expect(job).toMatchObject({
    status: 'failed',
    error: { code: 'source.changed', message: expect.stringContaining(disk) },
    disks: [{ phase: 'failed' }],
  });
});

test('three disks go in one job; one that fails stops the others', async () => {
  await using at = await workshop();
  const disks = await Promise.all([1, 2, 3].map((n) => makeRaw(at.path(`${n}.raw`), n * MiB, [[0, n * MiB]])));
  await using a = await target(at, 'a', MiB);
  await using b = await target(at, 'b', 2 * MiB);
  await using c = await target(at, 'c', 3 * MiB);
  const good = await runHere(at, fullRequest('good', imageSpec(...disks), [a.uri, b.uri, c.uri]));
  expect(good).toMatchObject({ status: 'succeeded', disks: [{ phase: 'done' }, { phase: 'done' }, { phase: 'done' }] });
  const bad = await runHere(at, fullRequest('bad', imageSpec(...disks), [b.uri, b.uri, c.uri]));
  expect(bad).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('disk 0') } });
  expect(bad.disks[0]).toMatchObject({ phase: 'failed', error: expect.stringContaining('disk 0') });
  expect(bad.disks[2]).toMatchObject({ phase: 'cancelled', error: null });
  for (const [n, each] of [a, b, c].entries()) {
    await each.server.stop();
    assertSame(disks[n]!, 'raw', each.file);
  }
});

test("a target's full disk is named as such, with nothing left running", async (context) => {
  await using at = await workshop();
  const small = at.path('small');
  execFileSync('mkdir', [small]);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', small], { stdio: 'ignore' });
  } catch {
    return context.skip('cannot mount a tmpfs here');
  }
  // Lazily: the kernel may hold the last file a moment longer than its process lives.
  using _mounted = { [Symbol.dispose]: () => execFileSync('umount', ['--lazy', small]) };
  const disk = await makeRaw(at.path('disk.raw'), 16 * MiB, [[0, 16 * MiB]]);
  await using full = await target(at, 'small/full', 16 * MiB);
  const job = await runHere(at, fullRequest('a', imageSpec(disk), [full.uri]));
  expect(job).toMatchObject({
    status: 'failed',
    error: { code: 'disk.full', message: expect.stringContaining('No space left') },
  });
});

test('a target that is lost in mid-copy fails the job', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), 256 * MiB, [[0, 128 * MiB]]);
  await using full = await target(at, 'full', 256 * MiB);
  const running = runHere(at, fullRequest('a', imageSpec(disk), [full.uri]));
  await until(async () => (await stat(full.file)).blocks * 512 > 4 * MiB, 'data in the target');
  process.kill(full.server.process.pid, 'SIGKILL');
  const job = await running;
  expect(job).toMatchObject({
    status: 'failed',
    error: { code: 'job.failed', message: expect.stringContaining('nbdcopy') },
  });
});
