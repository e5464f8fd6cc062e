import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyExport, type CopyExportOptions } from '../../src/blocks/copy-export.ts';
import { digestExport } from '../../src/blocks/digest-export.ts';
import { alignTo, totalLength, type Extent } from '../../src/blocks/extents.ts';
import { block, differences, KiB, MiB, noise, openWorkshop, type Workshop } from './workshop.ts';

type How = Partial<CopyExportOptions>;

/** A disk of blocks, each of zeros or of noise, and a last one that may be short. */
const content = (blocks: readonly number[], tail: number): Buffer =>
  Buffer.concat([
    ...blocks.map((seed) => (seed === 0 ? Buffer.alloc(block) : noise(block, seed))),
    noise(tail, tail + 1).subarray(0, tail),
  ]);

/** Only where there is something, so that the rest is a hole. */
const sparse = (shop: Workshop, name: string, data: Buffer): Promise<string> =>
  shop.raw(
    name,
    data.length,
    Array.from({ length: Math.ceil(data.length / block) }, (_, at) => at * block)
      .map((offset) => ({ offset, data: data.subarray(offset, offset + block) }))
      .filter((piece) => !piece.data.every((byte) => byte === 0)),
  );

/** A full of `before`, and an incremental of `after` on top; both are compared with their disks, and both indexes. */
async function chain(shop: Workshop, before: Buffer, after: Buffer, ways: { holes: boolean; full: How; next: How }) {
  const make = ways.holes
    ? sparse
    : (_: Workshop, name: string, data: Buffer) => shop.raw(name, data.length, [{ offset: 0, data }]);
  const from = await shop.qemuNbd(await make(shop, 'a.raw', before));
  const full = await shop.target('full', before.length);
  const first = await copyExport({
    from: from.uri,
    to: full.server.uri,
    indexPath: shop.path('a.index'),
    write: 'data',
    ...ways.full,
  });
  await full.server.stop();
  expect((await shop.contentOf(full.file)).equals(before)).toBe(true);
  expect(first.root).toBe((await digestExport({ uri: from.uri, indexPath: shop.path('check') })).root);
  expect(first.capacity).toBe(before.length);

  const source = await shop.qemuNbd(await make(shop, 'b.raw', after));
  const next = await shop.target('next', after.length, full.file);
  const second = await copyExport({
    from: source.uri,
    to: next.server.uri,
    indexPath: shop.path('b.index'),
    write: 'all',
    ...ways.next,
  });
  await next.server.stop();
  expect((await shop.contentOf(next.file)).equals(after)).toBe(true);
  expect(second.root).toBe((await digestExport({ uri: source.uri, indexPath: shop.path('check') })).root);
  return { first, second, next };
}

const anyBlocks = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 40 });

describe('copyExport', () => {
  test('any full and any incremental on top of it, by areas or by digest, shows the disk and gives its index', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyBlocks,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 6 })), { maxLength: 12 }),
        fc.constantFrom(0, 512, 1024, block - 512),
        fc.boolean(),
        fc.constantFrom('areas', 'areas without index', 'digest'),
        fc.constantFrom({}, { connections: 1 }, { requestBytes: 128 * KiB }, { connections: 2, requestBytes: 4 * MiB }),
        async (blocks, edits, tail, holes, method, tuning) => {
          await using shop = await openWorkshop();
          const before = content(blocks, tail);
          const edited = [...blocks];
          for (const [at, seed] of edits) edited[at % edited.length] = seed;
          const after = content(edited, tail);
          const changed = differences(before, after);
          const next: How =
            method === 'digest'
              ? { write: 'changed', compareWith: shop.path('a.index') }
              : { areas: changed, ...(method === 'areas' ? { base: shop.path('a.index') } : {}) };
          const result = await chain(shop, before, after, { holes, full: tuning, next: { ...tuning, ...next } });
          expect(result.second.bytesWritten).toBe(totalLength(changed));
          if (method !== 'areas without index') expect(result.second.changed).toEqual(changed);
          if (method === 'areas') expect(result.second.bytesRead).toBeLessThanOrEqual(totalLength(changed));
        },
      ),
      { numRuns: 10 },
    );
  }, 300_000);

  test('over many connections, with progress once a request, every byte is read once', async () => {
    await using shop = await openWorkshop();
    const size = 96 * MiB;
    const data = Buffer.alloc(size);
    noise(40 * MiB, 3).copy(data, 8 * MiB);
    noise(20 * MiB, 4).copy(data, 70 * MiB);
    const raw = await sparse(shop, 'a.raw', data);
    const log = shop.path('log');
    const from = await shop.nbdkit('--filter=log', 'file', raw, `logfile=${log}`);
    const { file, server } = await shop.target('full', size);
    const seen: number[] = [];
    const result = await copyExport({
      from,
      to: server.uri,
      indexPath: shop.path('a.index'),
      write: 'data',
      onProgress: (done, total) => {
        expect(total).toBe(size);
        seen.push(done);
      },
    });
    await server.stop();
    expect((await shop.contentOf(file)).equals(data)).toBe(true);
    expect(result).toMatchObject({ bytesRead: 60 * MiB, bytesWritten: 60 * MiB, changed: null });
    expect(seen.length).toBeGreaterThanOrEqual(60);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(size);
    const reads = [
      ...(await readFile(log, 'utf8')).matchAll(/ Read id=\d+ offset=0x([0-9a-f]+) count=0x([0-9a-f]+)/g),
    ].map(([, offset = '', length = '']): Extent => ({ offset: parseInt(offset, 16), length: parseInt(length, 16) }));
    expect(totalLength(reads)).toBe(60 * MiB);
    expect(totalLength(alignTo(reads, 512, size))).toBe(60 * MiB);
  });

  test('every connection that wrote is flushed, after the last write', async () => {
    await using shop = await openWorkshop();
    const from = await shop.nbdkit('pattern', '64M');
    const to = await shop.raw('to.raw', 64 * MiB);
    const target = await shop.nbdkitTarget('--filter=log', 'file', to, `logfile=${shop.path('log')}`);
    await copyExport({ from, to: target.uri, indexPath: shop.path('i'), write: 'data' });
    const lines = (await readFile(shop.path('log'), 'utf8'))
      .split('\n')
      .filter((line) => / (Write|Flush) id=/.test(line));
    const connections = new Set(lines.map((line) => /connection=(\d+)/.exec(line)?.[1]));
    expect(connections.size).toBe(3);
    expect(lines.slice(-3).map((line) => /connection=(\d+) Flush/.exec(line)?.[1])).toEqual(
      expect.arrayContaining([...connections]),
    );
  });

  test('what is said to be allocated is read, the rest counts as zeros without being asked for', async () => {
    await using shop = await openWorkshop();
    const raw = await shop.raw('a.raw', 8 * MiB + 512, [{ offset: 0, data: noise(8 * MiB + 512) }]);
    const from = await shop.qemuNbd(raw);
    const { file, server } = await shop.target('full', 8 * MiB + 512);
    const allocated = [
      { offset: 8 * MiB, length: 512 },
      { offset: MiB, length: MiB },
    ];
    const result = await copyExport({
      from: from.uri,
      to: server.uri,
      indexPath: shop.path('i'),
      write: 'data',
      allocated,
    });
    await server.stop();
    expect(result).toMatchObject({ bytesRead: MiB + 512, bytesWritten: MiB + 512 });
    const shown = await shop.contentOf(file);
    expect(shown.subarray(MiB, 2 * MiB).equals(noise(8 * MiB + 512).subarray(MiB, 2 * MiB))).toBe(true);
    expect(shown.subarray(0, MiB).every((byte) => byte === 0)).toBe(true);
  });

  test('a target without zero writes, with small requests, and a source with small ones, get and give every byte', async () => {
    await using shop = await openWorkshop();
    const data = content([1, 0, 2, 3, 0, 0, 4], 512);
    const raw = await shop.raw('a.raw', data.length, [{ offset: 0, data }]);
    const small = ['--filter=blocksize-policy', 'blocksize-maximum=64k', 'blocksize-error-policy=error'] as const;
    const from = await shop.nbdkit(small[0], 'file', raw, small[1], small[2]);
    const held = await shop.raw('held.raw', data.length, [{ offset: 0, data: noise(data.length, 9) }]);
    for (const filter of [['--filter=nozero'], []]) {
      const to = await shop.nbdkitTarget(small[0], ...filter, 'file', held, small[1], small[2]);
      const copied = await copyExport({ from, to: to.uri, indexPath: shop.path('i'), write: 'all' });
      expect(copied.bytesWritten).toBe(data.length);
      expect((await readFile(held)).equals(data)).toBe(true);
    }
  });

  test('nothing to copy: an empty area list, and a disk of zeros', async () => {
    await using shop = await openWorkshop();
    const zeros = Buffer.alloc(3 * MiB + 512);
    const { second, next } = await chain(shop, zeros, zeros, {
      holes: true,
      full: {},
      next: { areas: [], base: shop.path('a.index') },
    });
    expect(second).toMatchObject({ bytesRead: 0, bytesWritten: 0, changed: [] });
    expect((await stat(next.file)).size).toBeLessThan(MiB);
  });

  test('a comparison needs an index of the same capacity, and a target the same size', async () => {
    await using shop = await openWorkshop();
    const from = await shop.qemuNbd(await shop.raw('a.raw', MiB));
    const { server } = await shop.target('small', MiB - 512);
    const copy = (more: How) =>
      copyExport({ from: from.uri, to: server.uri, indexPath: shop.path('i'), write: 'data', ...more });
    await expect(copy({})).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringMatching(/1048576.*1048064/),
    });
    await expect(copy({ write: 'changed' })).rejects.toMatchObject({ code: 'run.internal' });
    await expect(copy({ to: from.uri })).rejects.toMatchObject({
      code: 'nbd.lost',
      message: expect.stringMatching(/^the target .* read-only/),
    });
    expect(existsSync(shop.path('i'))).toBe(false);
  });
});

describe('copyExport fails at once, with the name of what failed and without an index:', () => {
  const size = 128 * MiB;

  /** A source and a target that take long enough to be met in the middle; `half` settles when something has been copied. */
  async function copying(shop: Workshop, how: How & { readonly source?: string[]; readonly target?: string[] } = {}) {
    const { source: from = ['--filter=delay', 'pattern', String(size), 'rdelay=10ms'], target, ...more } = how;
    const source = await shop.nbdkitTarget('-r', ...from);
    const to = await shop.nbdkitTarget(...(target ?? ['memory', String(size)]));
    const half = Promise.withResolvers<void>();
    const done = copyExport({
      from: source.uri,
      to: to.uri,
      indexPath: shop.path('i'),
      write: 'data',
      onProgress: (bytes) => void (bytes > 40 * MiB && half.resolve()),
      ...more,
    });
    done.catch(() => half.resolve());
    return { source, target: to, done, half: half.promise };
  }

  test.each([1, 3])('the source dies (connections: %s)', async (connections) => {
    await using shop = await openWorkshop();
    const run = await copying(shop, { connections });
    await run.half;
    process.kill(run.source.pid, 'SIGKILL');
    const message = expect.stringContaining(`NBD server at ${run.source.uri}`);
    await expect(run.done).rejects.toMatchObject({ code: 'nbd.lost', message });
    expect(existsSync(shop.path('i'))).toBe(false);
  });

  test.each([1, 3])('the target dies (connections: %s)', async (connections) => {
    await using shop = await openWorkshop();
    const run = await copying(shop, { connections });
    await run.half;
    process.kill(run.target.pid, 'SIGKILL');
    const message = expect.stringContaining(`the target ${run.target.uri}`);
    await expect(run.done).rejects.toMatchObject({ code: 'nbd.lost', message });
    expect(existsSync(shop.path('i'))).toBe(false);
  });

  test.each([1, 3])('it is cancelled, whoever is slow (connections: %s)', async (connections) => {
    await using shop = await openWorkshop();
    for (const more of [
      {},
      { source: ['pattern', String(size)], target: ['--filter=delay', 'memory', String(size), 'wdelay=20ms'] },
    ]) {
      const stop = new AbortController();
      const run = await copying(shop, { ...more, connections, signal: stop.signal });
      await run.half;
      const started = performance.now();
      stop.abort(new Error('enough'));
      await expect(run.done).rejects.toThrow('enough');
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(existsSync(shop.path('i'))).toBe(false);
    }
  });

  test('the source cannot read, the target has no space or cannot write or flush', async () => {
    await using shop = await openWorkshop();
    const cases: readonly (readonly [How & { source?: string[]; target?: string[] }, string, RegExp])[] = [
      [
        {
          source: ['--filter=error', 'pattern', '8M', 'error-pread=EIO', 'error-pread-rate=100%'],
          target: ['memory', '8M'],
        },
        'nbd.lost',
        /^NBD server at .*read at \d+ of 1048576 bytes failed: EIO/,
      ],
      [
        { target: ['--filter=error', 'memory', String(size), 'error-pwrite=ENOSPC', 'error-pwrite-rate=100%'] },
        'disk.full',
        /^the target .*write at \d+ of \d+ bytes failed: ENOSPC, No space left on device/,
      ],
      [
        {
          write: 'all',
          source: ['memory', '8M'],
          target: ['--filter=error', 'memory', '8M', 'error-zero=EIO', 'error-zero-rate=100%'],
        },
        'nbd.lost',
        /^the target .*writing zeros at \d+ of \d+ bytes failed: EIO/,
      ],
      [{ source: ['memory', '8M'], target: ['sh'] }, 'nbd.lost', /^the target .*flush failed: /],
    ];
    await writeFile(shop.path('flush.sh'), failsToFlush, { mode: 0o700 });
    for (const [how, code, message] of cases) {
      const target = how.target?.[0] === 'sh' ? ['sh', shop.path('flush.sh')] : how.target;
      const run = await copying(shop, { ...how, ...(target ? { target } : {}) });
      await expect(run.done).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
      expect(existsSync(shop.path('i'))).toBe(false);
    }
  });
});

/** A server of nbdkit-sh-plugin. */
const failsToFlush = `#!/bin/sh
case "$1" in
  get_size) echo 8M ;;
  can_write|can_flush|can_zero) exit 0 ;;
  pread) head -c "$3" /dev/zero ;;
  pwrite) cat > /dev/null ;;
  zero) exit 0 ;;
  flush) echo 'EIO it is broken' >&2; exit 1 ;;
  *) exit 2 ;;
esac
`;
