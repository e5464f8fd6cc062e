import { join } from 'node:path';
import { blockSize } from '../../blocks/block-index-format.ts';
import { openIndex } from '../../blocks/block-index.ts';
import { compareExport } from '../../blocks/compare-export.ts';
import { compareStored } from '../../blocks/compare-stored.ts';
import { alignTo, normalise, subtract, totalLength, type Extent } from '../../blocks/extents.ts';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import { sharesOf, type Pair } from '../../blocks/same-bytes.ts';
import type { OwnData } from '../../host/images/qemu-map.ts';
import { serveReadOnly } from '../serve-chain.ts';
import type { ToProve } from './to-prove.ts';

/**
 * Compares with the child's block index what was written, and what should have been. Where the child's file holds a block that was
 * proven just before, comparing the bytes of both files says the same in half the time; what is not the same is judged by the index.
 * @returns the first difference, bytes of the guest's disk
 */
export async function readBack(
  what: ToProve,
  areas: readonly Extent[],
  { extents, virtualSize }: GuestBlocks,
  fileBytes: number,
): Promise<Extent | undefined> {
  const { work, stored, image, result, key } = what;
  const { signal } = work;
  const { capacity_bytes: capacity } = stored;
  const indexPath = join(work.root, work.vm.context, stored.index.path);
  const total = totalLength(areas);
  let done = 0;
  const progress = (bytes: number): void => {
    done += bytes;
    work.progress(capacity + Math.round((Math.min(done, total) / Math.max(1, total)) * capacity), 2 * capacity);
  };
  // What the file holds as the guest has it is read from it as it is: much faster than through a server.
  const plain = within(extents, areas).filter(({ host, length }) => host + length <= fileBytes);
  const rest = subtract(areas, normalise(plain.map(({ guest, length }) => ({ offset: guest, length }))));
  await using index = await openIndex(indexPath, { key });
  const first = await work.threads.use(async (pool) => {
    const { pairs, left } = pairsOf(await work.held.provenIn(image), plain);
    const equal = sharesOf(pairs).map(async (share) => {
      if (!(await pool.same({ a: image, b: result, pairs: share }))) return false;
      progress(share.reduce((sum, { length }) => sum + length, 0));
      return true;
    });
    await Promise.allSettled(equal);
    const unproven = (await Promise.all(equal)).every(Boolean) ? left : plain;
    const blocks = { extents: unproven, virtualSize };
    return compareStored({ file: result, blocks, index, pool, signal, onRead: progress });
  });
  return first ?? firstDifference(what, indexPath, alignTo(rest, blockSize, capacity), progress);
}

/** Zeros, and what is compressed, encrypted, or in a file below. */
async function firstDifference(
  { work, result, key }: ToProve,
  indexPath: string,
  areas: readonly Extent[],
  progress: (bytes: number) => void,
): Promise<Extent | undefined> {
  if (totalLength(areas) === 0) return undefined;
  const { signal } = work;
  await using server = await serveReadOnly(result, 'qcow2', work.folderId, signal, key);
  let told = 0;
  const { mismatches } = await compareExport({
    uri: server.uri,
    indexPath,
    indexKey: key,
    areas,
    ...(signal ? { signal } : {}),
    onProgress: (done) => {
      progress(done - told);
      told = done;
    },
  });
  return mismatches[0];
}

/** What of these pieces lies within areas; both in the order of the guest's disk. */
function within(pieces: readonly OwnData[], areas: readonly Extent[]): OwnData[] {
  const found: OwnData[] = [];
  let from = 0;
  for (const { guest, host, length } of pieces) {
    for (let area = areas[from]; area && area.offset + area.length <= guest; area = areas[from]) from++;
    for (let at = from, area = areas[at]; area && area.offset < guest + length; area = areas[++at]) {
      const start = Math.max(guest, area.offset);
      const end = Math.min(guest + length, area.offset + area.length);
      found.push({ guest: start, host: host + start - guest, length: end - start });
    }
  }
  return found;
}

/** What both hold, and what only the second does; both in the order of the guest's disk. */
export function pairsOf(
  one: readonly OwnData[],
  other: readonly OwnData[],
): { readonly pairs: Pair[]; readonly left: OwnData[] } {
  const pairs: Pair[] = [];
  const left: OwnData[] = [];
  let from = 0;
  for (const { guest, host, length } of other) {
    const end = guest + length;
    let done = guest;
    const skip = (to: number): void => {
      if (to > done) left.push({ guest: done, host: host + done - guest, length: to - done });
      done = Math.max(done, to);
    };
    for (let its = one[from]; its && its.guest + its.length <= guest; its = one[from]) from++;
    for (let at = from, its = one[at]; its && its.guest < end; its = one[++at]) {
      skip(its.guest);
      const reach = Math.min(end, its.guest + its.length);
      pairs.push({ a: its.host + done - its.guest, b: host + done - guest, length: reach - done });
      done = reach;
    }
    skip(end);
  }
  return { pairs, left };
}
