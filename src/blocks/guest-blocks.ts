import { blockSize } from './block-index-format.ts';
import type { Extent } from './extents.ts';
import type { OwnData } from '../host/images/qemu-map.ts';

/** What a qcow2 itself holds of the guest's disk in whole blocks that lie in one piece. */
export interface GuestBlocks {
  /** By `guest`, which is a multiple of the block size; whole blocks, the last one cut where the disk ends. */
  readonly extents: readonly OwnData[];
  /** Of the image, bytes: whole sectors. */
  readonly virtualSize: number;
}

/** Pieces in one line both in the guest and in the file are joined, then cut to whole blocks. */
export function wholeBlocks(pieces: readonly OwnData[], virtualSize: number): OwnData[] {
  const joined: { guest: number; host: number; length: number }[] = [];
  for (const { guest, host, length } of pieces) {
    const last = joined.at(-1);
    if (last && last.guest + last.length === guest && last.host + last.length === host) last.length += length;
    else joined.push({ guest, host, length });
  }
  return joined.flatMap(({ guest, host, length }) => {
    const start = Math.ceil(guest / blockSize) * blockSize;
    const reach = guest + length;
    const end = reach === virtualSize ? reach : Math.floor(reach / blockSize) * blockSize;
    return end > start ? [{ guest: start, host: host + start - guest, length: end - start }] : [];
  });
}

/** What of a file of `size` bytes the extents do not hold. */
export function envelopeRanges(extents: readonly OwnData[], size: number): Extent[] {
  const ranges: Extent[] = [];
  let position = 0;
  for (const { host, length } of extents.toSorted((a, b) => a.host - b.host)) {
    if (host > position && position < size) ranges.push({ offset: position, length: Math.min(host, size) - position });
    position = Math.max(position, host + length);
  }
  if (position < size) ranges.push({ offset: position, length: size - position });
  return ranges;
}
