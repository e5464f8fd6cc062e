import { hash } from 'node:crypto';
import { digestBytes, pageBlocks, pageKinds, storedPageBytes } from './block-index-format.ts';
import type { IndexFile } from './index-file.ts';
import type { Levels } from './levels.ts';
import { applyRuns } from './page-records.ts';

/** Whoever walks over a disk asks for some pages at a time, each several times. */
const keptPages = 8;

/** Reads pages of an index, each with what it takes from others, and proves them by their digests. */
export function createPageReader(files: Levels): (page: number) => Promise<Buffer | null> {
  const [own] = files;
  const kept = new Map<number, Promise<Buffer | null>>();
  return async (page) => {
    if (!Number.isInteger(page) || page < 0 || page >= own.pageCount)
      throw new RangeError(`page ${page} of ${own.path}, which has ${own.pageCount}`);
    if (own.place(page).kind === pageKinds.zero) return null;
    let reading = kept.get(page);
    if (!reading) {
      reading = provenPage(files, page);
      kept.set(page, reading);
      const [oldest] = kept.keys();
      if (kept.size > keptPages && oldest !== undefined) kept.delete(oldest);
      reading.catch(() => kept.delete(page));
    }
    const data = await reading;
    return data && Buffer.from(data);
  };
}

async function provenPage(files: Levels, page: number): Promise<Buffer> {
  const [own] = files;
  const data = await pageIn(files, page);
  if (!isDigestOf(own, page, data, own.digest(page))) throw await whoseFault(files, page);
  return data;
}

const isDigestOf = ({ header }: IndexFile, page: number, data: Buffer, digest: Buffer): boolean =>
  hash('sha256', data.subarray(0, storedPageBytes(header.capacity, page)), 'buffer').equals(digest);

/** A page as the first of these files has it; nothing of it is proven. */
async function pageIn(files: readonly IndexFile[], page: number): Promise<Buffer> {
  const patches: IndexFile[] = [];
  let data: Buffer | null = null;
  for (const file of files) {
    const place = file.place(page);
    if (place.kind === pageKinds.same) continue;
    if (place.kind === pageKinds.patch) {
      patches.push(file);
      continue;
    }
    data = await wholePage(file, page);
    break;
  }
  data ??= Buffer.alloc(pageBlocks * digestBytes);
  for (const file of patches.toReversed()) await applyOf(file, page, data);
  return data;
}

async function wholePage(file: IndexFile, page: number): Promise<Buffer> {
  const place = file.place(page);
  const data = Buffer.alloc(pageBlocks * digestBytes);
  if (place.kind === pageKinds.runs) await applyOf(file, page, data);
  if (place.kind === pageKinds.dense) (await file.record(place)).copy(data);
  return data;
}

async function applyOf(file: IndexFile, page: number, data: Buffer): Promise<void> {
  const record = await file.record(file.place(page));
  try {
    applyRuns(record, data, storedPageBytes(file.header.capacity, page) / digestBytes);
  } catch (error) {
    throw file.damaged(`page ${page} ${(error as Error).message}`, error);
  }
}

/** The lowest file that does not have what its own table says: those above it only took over what it has. */
async function whoseFault(files: Levels, page: number): Promise<Error> {
  for (let from = files.length - 1; from > 0; from--) {
    const file = files[from];
    if (!file || file.place(page).kind === pageKinds.zero) continue;
    if (!isDigestOf(file, page, await pageIn(files.slice(from), page), await file.digestAgain(page)))
      return file.damaged(`page ${page} does not match its digest`);
  }
  return files[0].damaged(`page ${page} does not match its digest`);
}
