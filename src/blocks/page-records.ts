import { digestBytes, pageBlocks, pageKinds } from './block-index-format.ts';

/** The digests of one page as a file holds them. */
export interface PageRecord {
  readonly kind: typeof pageKinds.dense | typeof pageKinds.runs | typeof pageKinds.patch;
  readonly data: Buffer;
}

/** Before the digests: how many runs, then for each its first block within the page and how many blocks it has. */
const countBytes = 2;
const runBytes = 4;
const digestWords = digestBytes / Uint32Array.BYTES_PER_ELEMENT;

/** Digests as numbers: a call for each of the many blocks of a disk would take longer than reading them. */
export function wordsOf(digests: Uint8Array): Uint32Array {
  const { buffer, byteOffset, length } = digests;
  const aligned = byteOffset % Uint32Array.BYTES_PER_ELEMENT === 0;
  return aligned
    ? new Uint32Array(buffer, byteOffset, length / Uint32Array.BYTES_PER_ELEMENT)
    : new Uint32Array(buffer.slice(byteOffset, byteOffset + length));
}

/** Blocks with the same answer in one line. */
interface Run {
  readonly first: number;
  readonly count: number;
}

/** The blocks of some pages' digests in which the two differ; without `below`: those that are not zeros. */
export function runsThatDiffer(digests: Uint8Array, below: Uint8Array | null): Run[] {
  const [own, other] = [wordsOf(digests), below && wordsOf(below)];
  const found: { first: number; count: number }[] = [];
  let last: { first: number; count: number } | undefined;
  const blocks = digests.length / digestBytes;
  for (let block = 0, at = 0; block < blocks; block++, at += digestWords) {
    let word = at;
    const end = at + digestWords;
    if (other === null) while (word < end && own[word] === 0) word++;
    else while (word < end && own[word] === other[word]) word++;
    if (word === end) continue;
    if (last && last.first + last.count === block) last.count++;
    else found.push((last = { first: block, count: 1 }));
  }
  return found;
}

const blocksIn = (runs: readonly Run[]): number => runs.reduce((sum, { count }) => sum + count, 0);
const sizeOf = (runs: readonly Run[]): number => countBytes + runs.length * runBytes + blocksIn(runs) * digestBytes;

/**
 * The shortest way to store a page that is not all zeros.
 * @param digests of the blocks that exist
 * @param below the digests of the same page in the parent's index; null: there is no parent, or it has only zeros there
 */
export function encodeRecord(digests: Buffer, below: Uint8Array | null): PageRecord {
  const thin = runsThatDiffer(digests, null);
  const whole = Math.min(digests.length, sizeOf(thin));
  if (below !== null) {
    const changed = runsThatDiffer(digests, below.subarray(0, digests.length));
    // What is not much shorter is not worth a look into another file for whoever reads it.
    if (sizeOf(changed) * 2 <= whole) return { kind: pageKinds.patch, data: join(digests, changed) };
  }
  return whole < digests.length
    ? { kind: pageKinds.runs, data: join(digests, thin) }
    : { kind: pageKinds.dense, data: digests };
}

function join(digests: Buffer, runs: readonly Run[]): Buffer {
  const data = Buffer.alloc(sizeOf(runs));
  data.writeUInt16BE(runs.length, 0);
  let at = countBytes + runs.length * runBytes;
  for (const [number, { first, count }] of runs.entries()) {
    data.writeUInt16BE(first, countBytes + number * runBytes);
    data.writeUInt16BE(count, countBytes + number * runBytes + 2);
    at += digests.copy(data, at, first * digestBytes, (first + count) * digestBytes);
  }
  return data;
}

/**
 * Puts the runs of a record over a whole page.
 * @param blocks that exist of the page
 * @throws Error that says what is wrong; the page is not to be used then
 */
export function applyRuns(data: Buffer, page: Buffer, blocks: number): void {
  const wrong = new Error('has runs that are not in order');
  if (data.length < countBytes) throw wrong;
  const runs = data.readUInt16BE(0);
  let at = countBytes + runs * runBytes;
  if (runs > pageBlocks || at > data.length) throw wrong;
  let next = 0;
  for (let number = 0; number < runs; number++) {
    const first = data.readUInt16BE(countBytes + number * runBytes);
    const count = data.readUInt16BE(countBytes + number * runBytes + 2);
    const end = at + count * digestBytes;
    if (count === 0 || first < next || first + count > blocks || end > data.length) throw wrong;
    data.copy(page, first * digestBytes, at, end);
    [next, at] = [first + count, end];
  }
  if (at !== data.length) throw wrong;
}
