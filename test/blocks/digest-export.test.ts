import { existsSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openIndex } from '../../src/blocks/block-index.ts';
import { compareExport } from '../../src/blocks/compare-export.ts';
import { digestExport } from '../../src/blocks/digest-export.ts';
import { alignTo, totalLength, type Extent } from '../../src/blocks/extents.ts';
import { runTool } from '../../src/host/programs/process.ts';
import { block, differences, digestsOf, KiB, MiB, noise, openWorkshop } from './workshop.ts';

async function expectIndexOf(content: Uint8Array, indexPath: string): Promise<void> {
  await using index = await openIndex(indexPath, { verify: 'all' });
  expect(index.capacity).toBe(content.length);
  const pages: Buffer[] = [];
  for (let page = 0; page < index.pageCount; page++) {
    pages.push((await index.page(page)) ?? Buffer.alloc(index.pageBlocks * 32));
  }
  const expected = Buffer.concat(digestsOf(content));
  expect(Buffer.concat(pages).subarray(0, expected.length).equals(expected)).toBe(true);
}

describe('digestExport', () => {
  test.each([
    ['1 MiB', MiB],
    ['9.5 MiB', 9.5 * MiB],
    ['1 MiB and a tail of 512 bytes', MiB + 512],
    ['512 bytes', 512],
  ])(
    'gives one index of a disk of %s, raw or qcow2, over NBD or from the file, qemu-nbd or nbdkit',
    async (_, size) => {
      await using shop = await openWorkshop();
      const content = Buffer.alloc(size);
      noise(Math.floor(size / 3)).copy(content, 0);
      noise(512, 2).copy(content, size - 512);
      const raw = await shop.raw('a.raw', size, [{ offset: 0, data: content }]);
      const qcow2 = await shop.qcow2FromRaw('a.qcow2', raw);
      const indexPath = shop.path('a.index');
      const roots = new Set<string>();
      for (const source of [
        { uri: (await shop.qemuNbd(raw)).uri },
        { uri: (await shop.qemuNbd(raw)).uri, file: raw },
        { uri: (await shop.qemuNbd(qcow2, 'qcow2')).uri },
        { uri: await shop.nbdkit('file', raw) },
        { uri: await shop.nbdkit('--no-sr', 'file', raw) },
      ]) {
        const progress: number[] = [];
        const onProgress = (done: number, total: number): void => {
          expect(total).toBe(size);
          progress.push(done);
        };
        const result = await digestExport({ ...source, indexPath, onProgress });
        await expectIndexOf(content, indexPath);
        expect(result).toMatchObject({ capacity: size, changed: null, indexBytes: (await stat(indexPath)).size });
        expect(progress).toEqual(progress.toSorted((a, b) => a - b));
        expect(progress.at(-1)).toBe(size);
        roots.add(result.root);
        expect(await compareExport({ ...source, indexPath })).toEqual({
          comparedBytes: size,
          mismatches: [],
          mismatchCount: 0,
        });
      }
      expect(roots.size).toBe(1);
    },
  );

  test('an image whose size is not whole sectors reads as zeros up to the next one', async () => {
    await using shop = await openWorkshop();
    const raw = await shop.raw('a.raw', MiB + 100, [{ offset: MiB, data: noise(100) }]);
    const { uri } = await shop.qemuNbd(raw);
    const viaNbd = await digestExport({ uri, indexPath: shop.path('a') });
    expect(viaNbd.capacity).toBe(MiB + 512);
    expect((await digestExport({ uri, file: raw, indexPath: shop.path('b') })).root).toBe(viaNbd.root);

    const exact = await digestExport({ uri: await shop.nbdkit('file', raw), indexPath: shop.path('c') });
    expect(exact.capacity).toBe(MiB + 100);
    expect(await compareExport({ uri, indexPath: shop.path('c') })).toMatchObject({ mismatches: [] });
  });

  test('a disk of 2 TiB with data at both ends takes seconds and its index little room', async () => {
    await using shop = await openWorkshop();
    const size = 2 ** 41;
    const raw = await shop.raw('a.raw', size, [
      { offset: 0, data: noise(MiB) },
      { offset: size - 70 * KiB, data: noise(70 * KiB, 2) },
    ]);
    const { uri } = await shop.qemuNbd(raw);
    const before = await digestExport({ uri, indexPath: shop.path('a') });
    expect(before.bytesRead).toBeLessThan(2 * MiB);
    expect(before.indexBytes).toBeLessThan(700_000);
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', raw, shop.path('b.qcow2')]);
    await runTool('qemu-io', ['-f', 'qcow2', '-c', 'write -z 0 64k', '-c', 'write 1T 1M', shop.path('b.qcow2')]);
    const later = await shop.qemuNbd(shop.path('b.qcow2'), 'qcow2');
    const after = await digestExport({ uri: later.uri, indexPath: shop.path('b'), compareWith: shop.path('a') });
    const changed = [
      { offset: 0, length: block },
      { offset: 2 ** 40, length: MiB },
    ];
    expect(after.changed).toEqual(changed);
    const known = { base: shop.path('a'), areas: [{ offset: 5, length: 10 }, changed[1]!] };
    const again = await digestExport({ uri: later.uri, indexPath: shop.path('c'), ...known });
    expect(again).toMatchObject({ root: after.root, changed, bytesRead: MiB });
    expect(await compareExport({ uri: later.uri, indexPath: shop.path('a') })).toMatchObject({ mismatches: changed });
  });

  test('enough data for the workers, in many pages, gives the digests of a plain computation', async () => {
    await using shop = await openWorkshop();
    const size = 270 * MiB;
    const piece = noise(MiB);
    const pieces = Array.from({ length: 40 }, (_, at) => ({ offset: at * 6.5 * MiB + 4096 * (at % 9), data: piece }));
    const raw = await shop.raw('a.raw', size, pieces);
    const { uri } = await shop.qemuNbd(raw);
    const indexPath = shop.path('a.index');
    const result = await digestExport({ uri, indexPath });
    expect(result.bytesRead).toBeGreaterThan(40 * MiB);
    await expectIndexOf(await readFile(raw), indexPath);
    for (const options of [{ workers: 3 }, { file: raw }]) {
      const other = await digestExport({ uri, indexPath: shop.path('b.index'), ...options });
      expect(other.root).toBe(result.root);
    }
  });

  test('changes of any kind are found against a parent, and areas on a base give the same index', async () => {
    await using shop = await openWorkshop();
    const size = 24 * block + 512;
    const before = Buffer.alloc(size);
    noise(10 * block).copy(before, 3 * block);
    const raw = await shop.raw('before.raw', size, [{ offset: 0, data: before }]);
    const parent = shop.path('parent.index');
    await digestExport({ uri: (await shop.qemuNbd(raw)).uri, indexPath: parent });
    const change = fc.record({
      offset: fc.nat(size - 1),
      length: fc.integer({ min: 1, max: 3 * block }),
      kind: fc.constantFrom('noise', 'zeros', 'same'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.integer({ min: 2, max: 1000 }), async (changes, seed) => {
        await using round = await openWorkshop();
        const after = Buffer.from(before);
        const areas: Extent[] = changes.map(({ offset, length }) => ({
          offset,
          length: Math.min(length, size - offset),
        }));
        for (const [at, { offset, length }] of areas.entries()) {
          if (changes[at]!.kind === 'noise') noise(length, seed + at).copy(after, offset);
          if (changes[at]!.kind === 'zeros') after.fill(0, offset, offset + length);
        }
        const file = await round.raw('after.raw', size, [{ offset: 0, data: after }]);
        const { uri } = await round.qemuNbd(await round.qcow2FromRaw('after.qcow2', file), 'qcow2');
        const expected = differences(before, after);

        const whole = await digestExport({ uri, indexPath: round.path('whole'), compareWith: parent });
        expect(whole.changed).toEqual(expected);
        await expectIndexOf(after, round.path('whole'));

        const part = await digestExport({ uri, indexPath: round.path('part'), base: parent, areas });
        expect(part).toMatchObject({ root: whole.root, changed: expected });
        expect(part.bytesRead).toBeLessThanOrEqual(totalLength(alignTo(areas, block, size)));

        const compared = await compareExport({ uri, indexPath: parent });
        expect(compared).toEqual({ comparedBytes: size, mismatches: expected, mismatchCount: expected.length });
        const some = await compareExport({ uri, indexPath: parent, areas });
        expect(some.mismatches).toEqual(expected);
        expect(some.comparedBytes).toBe(totalLength(alignTo(areas, block, size)));
      }),
      { numRuns: 12 },
    );
  });

  test('areas that change nothing give the very root of the base', async () => {
    await using shop = await openWorkshop();
    const raw = await shop.raw('a.raw', 4 * MiB, [{ offset: MiB, data: noise(MiB) }]);
    const { uri } = await shop.qemuNbd(raw);
    const { root } = await digestExport({ uri, indexPath: shop.path('a') });
    for (const areas of [[], [{ offset: 0, length: 4 * MiB }]]) {
      const result = await digestExport({ uri, indexPath: shop.path('b'), base: shop.path('a'), areas });
      expect(result).toMatchObject({ root, changed: [] });
    }
  });

  test('an index of another capacity, a damaged one, and areas beyond the disk are refused, and no file stays', async () => {
    await using shop = await openWorkshop();
    const { uri } = await shop.qemuNbd(await shop.raw('a.raw', 2 * MiB));
    const grown = await shop.qemuNbd(await shop.raw('b.raw', 3 * MiB));
    await digestExport({ uri, indexPath: shop.path('a') });
    const indexPath = shop.path('b');
    const fails = (options: object, code: string): Promise<void> =>
      expect(digestExport({ uri: grown.uri, indexPath, ...options })).rejects.toMatchObject({ code });
    await fails({ compareWith: shop.path('a') }, 'content.mismatch');
    await fails({ base: shop.path('a'), areas: [] }, 'content.mismatch');
    await fails({ compareWith: shop.path('a.raw') }, 'repository.damaged');
    await fails({ base: shop.path('a') }, 'run.internal');
    await fails({ uri, base: shop.path('a'), areas: [{ offset: MiB, length: 2 * MiB }] }, 'run.internal');
    expect(existsSync(indexPath)).toBe(false);
  });
});

describe('compareExport', () => {
  test('lists 1000 places and counts them all', async () => {
    await using shop = await openWorkshop();
    const size = 2100 * block;
    const before = await shop.raw('a.raw', size);
    const pieces = Array.from({ length: 1050 }, (_, at) => ({ offset: 2 * at * block + 77, data: Buffer.from([1]) }));
    const after = await shop.raw('b.raw', size, pieces);
    await digestExport({ uri: (await shop.qemuNbd(before)).uri, indexPath: shop.path('a') });
    const result = await compareExport({ uri: (await shop.qemuNbd(after)).uri, indexPath: shop.path('a') });
    expect(result.mismatchCount).toBe(1050);
    expect(result.mismatches).toHaveLength(1000);
    expect(result.mismatches[1]).toEqual({ offset: 2 * block, length: block });
  });

  test('an export that is shorter or longer is refused, a longer sector must be zeros', async () => {
    await using shop = await openWorkshop();
    const indexPath = shop.path('a');
    await digestExport({ uri: await shop.nbdkit('file', await shop.raw('a.raw', MiB + 100)), indexPath });
    for (const size of [MiB, MiB + 512 + 100]) {
      const uri = await shop.nbdkit('file', await shop.raw(`${size}.raw`, size));
      await expect(compareExport({ uri, indexPath })).rejects.toMatchObject({
        code: 'content.mismatch',
        message: expect.stringContaining(`${size} bytes`),
      });
    }
    const tail = await shop.raw('tail.raw', MiB + 512, [{ offset: MiB + 200, data: Buffer.from([1]) }]);
    expect(await compareExport({ uri: await shop.nbdkit('file', tail), indexPath })).toMatchObject({
      mismatches: [{ offset: MiB + 100, length: 412 }],
    });
  });
});

describe('when it goes wrong in the middle', () => {
  const threads = async (): Promise<number> => (await readdir('/proc/self/task')).length;

  test('a server that is killed ends the reading with an error, and no thread or file stays', async () => {
    await using shop = await openWorkshop();
    const raw = await shop.raw('a.raw', 512 * MiB);
    await runTool('qemu-io', ['-f', 'raw', '-c', 'write -P 7 0 200M', raw]);
    const server = await shop.qemuNbd(raw);
    const before = await threads();
    const onProgress = (done: number): void => {
      if (done > 40 * MiB) process.kill(server.process.pid, 'SIGKILL');
    };
    const digesting = digestExport({ uri: server.uri, indexPath: shop.path('a'), onProgress });
    await expect(digesting).rejects.toMatchObject({ code: 'nbd.lost' });
    expect(existsSync(shop.path('a'))).toBe(false);
    await expect.poll(threads, { timeout: 200_000 }).toBeLessThanOrEqual(before + 4);
  });

  test('an abort ends it at once with its reason, also when the server is slow', async () => {
    await using shop = await openWorkshop();
    const raw = await shop.raw('a.raw', 512 * MiB);
    await runTool('qemu-io', ['-f', 'raw', '-c', 'write -P 7 0 120M', raw]);
    const quick = (await shop.qemuNbd(raw)).uri;
    const slow = await shop.nbdkit('--filter=delay', 'file', raw, 'rdelay=20');
    const before = await threads();
    const digesting = new AbortController();
    const onProgress = (done: number): void => {
      if (done > 60 * MiB) digesting.abort(new Error('enough'));
    };
    const { signal } = digesting;
    await expect(digestExport({ uri: quick, indexPath: shop.path('a'), signal, onProgress })).rejects.toThrow('enough');
    const comparing = new AbortController();
    const { root } = await digestExport({ uri: quick, indexPath: shop.path('b') });
    expect(root).toMatch(/^sha256:/);
    const started = performance.now();
    setTimeout(() => comparing.abort(new Error('too slow')), 300);
    const compared = compareExport({ uri: slow, indexPath: shop.path('b'), signal: comparing.signal });
    await expect(compared).rejects.toThrow('too slow');
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(existsSync(shop.path('a'))).toBe(false);
    await expect.poll(threads, { timeout: 200_000 }).toBeLessThanOrEqual(before + 4);
  });
});
