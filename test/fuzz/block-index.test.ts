import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { changedBetween } from '../../src/blocks/changed-between.ts';
import { createIndexWriter, openIndex } from '../../src/blocks/block-index.ts';
import { alone } from '../../src/blocks/index-form.ts';
import { contentStream } from '../../src/host/images/locked-file.ts';
import { random } from '../support/random.ts';
import { fuzz, judge } from './harness.ts';
import { bigEdges, changedBytes, hostileBytes, integerBytes, part } from './hostile.ts';
import { assertInside, touched } from './touched.ts';

const folder = mkdtempSync(join(tmpdir(), 'sendense-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const MiB = 2 ** 20;
const pageBytes = 4096 * 32;
const parentId = '20261122T013000Z-0c77de';

/** As the product's writer makes them. */
const sound: Buffer[] = [];
const digests = random('digests').bytes(pageBytes);
beforeAll(async () => {
  for (const [name, capacity, pages] of [
    ['a', 0, []],
    ['b', 1, [0]],
    ['c', MiB, [0]],
    ['d', 300 * MiB, [1, 0]],
    ['e', 2 ** 40, []],
    ['f', 2000 * MiB + 512, [3]],
  ] as const) {
    await using writer = await createIndexWriter(at(name), { capacity });
    for (const page of pages) await writer.writePage(page, digests);
    await writer.finish();
    sound.push(readFileSync(at(name)));
  }
  // Format 2: runs that stand alone, and an increment on them with a patch, a page that is the same and one of its own.
  const capacity = 1000 * MiB;
  const thin = Buffer.alloc(pageBytes);
  digests.copy(thin, 320, 0, 3200);
  {
    await using writer = await createIndexWriter(at(`${parentId}.index`), { capacity, form: alone(2) });
    for (const [page, content] of [thin, digests, digests].entries()) await writer.writePage(page, content);
    await writer.finish();
    sound.push(readFileSync(at(`${parentId}.index`)));
  }
  await using index = await openIndex(at(`${parentId}.index`));
  const form = { format: 2, parent: { name: parentId, index } } as const;
  await using writer = await createIndexWriter(at('g'), { capacity, form });
  const patched = Buffer.from(digests);
  patched.fill(7, 0, 64);
  writer.takeOver(0);
  await writer.writePage(1, patched);
  await writer.writePage(3, thin);
  await writer.finish();
  sound.push(readFileSync(at('g')));
});

const some = fc.nat(7).map((which) => sound[which] ?? Buffer.alloc(0));

/** A number of 4 or 8 bytes somewhere in the head, the page table or the end, where a change counts most. */
const structural: fc.Arbitrary<Buffer> = fc
  .tuple(some, fc.boolean(), part, fc.constantFrom(4, 8), fc.constantFrom(...bigEdges))
  .map(([bytes, head, place, width, value]) => {
    const changed = Buffer.from(bytes);
    const from = head ? Math.floor(place * 16) * 4 : changed.length - 4 * (1 + Math.floor(place * 60));
    if (from >= 0) changed.set(integerBytes(value, width, true).subarray(0, Math.max(0, changed.length - from)), from);
    return changed;
  });

fuzz('block indexes', {
  input: fc.oneof(
    { weight: 3, arbitrary: hostileBytes(some) },
    { weight: 2, arbitrary: structural },
    { weight: 1, arbitrary: changedBytes(some, 1) },
  ),
  few: 120,
  attempt: async (bytes) => {
    const path = at('changed.index');
    writeFileSync(path, bytes);
    const { result, paths } = await touched(() => judge(() => openIndex(path, { verify: 'all' })));
    assertInside(folder, paths);
    const { accepted: reader, refused } = result;
    if (refused) return expect(['repository.damaged', 'repository.key']).toContain(refused.code);
    await using index = reader;
    expect(Number.isSafeInteger(index.capacity)).toBe(true);
    expect(index.root).toMatch(/^sha256:[0-9a-f]{64}$/);
    if (index.blockCount > 0) expect(await index.blockDigest(index.blockCount - 1)).toHaveLength(32);
    for (let page = 0; page < Math.min(index.pageCount, 3); page++) {
      const content = await index.page(page);
      if (content) expect(content).toHaveLength(pageBytes);
    }
    // What can be opened is what the writer made: one flipped bit is found.
    expect(sound.some((one) => hash('sha256', one) === hash('sha256', bytes))).toBe(true);
    expect(await changedBetween(path, path)).toEqual([]);
  },
});

fuzz('files that are encrypted as a whole', {
  input: fc.oneof(
    hostileBytes(some),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.concat([Buffer.from('Salted__'), bytes])),
  ),
  few: 40,
  attempt: async (bytes) => {
    const path = at('locked');
    writeFileSync(path, bytes);
    const { accepted: index, refused } = await judge(() =>
      openIndex(path, { key: { id: '0'.repeat(16), passphrase: 'x' } }),
    );
    await index?.[Symbol.asyncDispose]();
    const { accepted } = await judge(async () => {
      let length = 0;
      for await (const piece of contentStream(path)) length += (piece as Buffer).length;
      return length;
    });
    if (accepted !== undefined) expect(accepted).toBe(bytes.length);
    if (refused) expect(['repository.damaged', 'repository.key']).toContain(refused.code);
  },
});
