import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { createIndexWriter, openIndex } from '../../src/blocks/block-index.ts';
import type { IndexReader } from '../../src/blocks/index-reader.ts';
import { indexBytes } from '../../src/blocks/index-bytes.ts';
import { alone, type IndexForm } from '../../src/blocks/index-form.ts';
import { MiB } from './workshop.ts';

export const pageBytes = 4096 * 32;
/** Three whole pages, and one of five blocks. */
export const capacity = 3 * 256 * MiB + 4 * 65536 + 512;
export const blocks = 3 * 4096 + 5;
const pages = 4;

/** What an index has to say: all digests of a disk, one after the other. */
export type Model = Buffer;

export const emptyModel = (): Model => Buffer.alloc(pages * pageBytes);

/** Some blocks get a digest of their own, or become zeros. */
export interface Change {
  readonly first: number;
  readonly count: number;
  /** Every how many blocks. */
  readonly step: number;
  /** 0: zeros. */
  readonly value: number;
}

export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    first: fc.nat(blocks - 1),
    count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: blocks })),
    step: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 600 })),
    value: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
  }),
  { maxLength: 4 },
);

export function changed(model: Model, list: readonly Change[]): Model {
  const next = Buffer.from(model);
  for (const { first, count, step, value } of list) {
    for (let block = first; block < Math.min(blocks, first + count); block += step) {
      next.fill(0, block * 32, block * 32 + 32);
      if (value > 0) next.writeUInt32BE(value * 2 ** 16 + (block % 7), block * 32 + 28);
    }
  }
  return next;
}

export async function writeModel(path: string, model: Model, form: IndexForm = alone(1)): Promise<string> {
  await using writer = await createIndexWriter(path, { capacity, form });
  for (let page = pages - 1; page >= 0; page--) {
    const digests = model.subarray(page * pageBytes, (page + 1) * pageBytes);
    const below = (await form.parent?.index.page(page)) ?? Buffer.alloc(pageBytes);
    if (form.parent && page % 2 === 0 && below.equals(digests)) writer.takeOver(page);
    else await writer.writePage(page, digests);
  }
  return (await writer.finish()).root;
}

/** Writes an index in another form. */
export const rewrite = (index: IndexReader, form: IndexForm, path: string): Promise<void> =>
  pipeline(Readable.from(indexBytes(index, form)), createWriteStream(path, { flags: 'w' }));

export async function readModel(path: string): Promise<Model> {
  await using index = await openIndex(path, { verify: 'all' });
  const found: Buffer[] = [];
  for (let page = 0; page < index.pageCount; page++) found.push((await index.page(page)) ?? Buffer.alloc(pageBytes));
  return Buffer.concat(found);
}
