import { SendenseError } from '../errors/sendense-error.ts';

/** A piece of a disk: bytes, safe integers, `length` > 0 once normalised. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

const endOf = (extent: Extent): number => extent.offset + extent.length;

/** Sorted, with no empty, touching or overlapping extents. Every function below expects and returns this form. */
export function normalise(extents: readonly Extent[]): Extent[] {
  const sorted = extents.filter((extent) => extent.length > 0).sort((a, b) => a.offset - b.offset);
  const merged: { offset: number; length: number }[] = [];
  for (const { offset, length } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && offset <= endOf(last)) last.length = Math.max(endOf(last), offset + length) - last.offset;
    else merged.push({ offset, length });
  }
  return merged;
}

export const totalLength = (extents: readonly Extent[]): number =>
  extents.reduce((sum, extent) => sum + extent.length, 0);

/** Throws `run.internal` when an extent is not made of safe integers or reaches beyond the capacity. Any order. */
export function assertWithin(extents: readonly Extent[], capacity: number): void {
  for (const { offset, length } of extents) {
    const sane = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
    if (sane && offset <= capacity && length <= capacity - offset) continue;
    throw new SendenseError(
      'run.internal',
      `The extent at ${offset} of ${length} bytes is not within the disk of ${capacity} bytes`,
    );
  }
}

/** What of the extents lies before the capacity. */
export const clip = (extents: readonly Extent[], capacity: number): Extent[] =>
  intersect(extents, capacity > 0 ? [{ offset: 0, length: capacity }] : []);

/** Grown to multiples of `size`, merged, clipped where the capacity ends. Takes any order. */
export function alignTo(extents: readonly Extent[], size: number, capacity: number): Extent[] {
  const grown = extents
    .filter((extent) => extent.length > 0)
    .map((extent) => {
      const offset = Math.floor(extent.offset / size) * size;
      return { offset, length: Math.min(Math.ceil(endOf(extent) / size) * size, capacity) - offset };
    });
  return normalise(grown);
}

export function intersect(a: readonly Extent[], b: readonly Extent[]): Extent[] {
  const common: Extent[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [left, right] = [a[i], b[j]];
    if (left === undefined || right === undefined) break;
    const offset = Math.max(left.offset, right.offset);
    const length = Math.min(endOf(left), endOf(right)) - offset;
    if (length > 0) common.push({ offset, length });
    if (endOf(left) <= endOf(right)) i++;
    else j++;
  }
  return common;
}

/** What of the disk the extents do not cover. */
export function complement(extents: readonly Extent[], capacity: number): Extent[] {
  const gaps: Extent[] = [];
  let position = 0;
  for (const extent of clip(extents, capacity)) {
    if (extent.offset > position) gaps.push({ offset: position, length: extent.offset - position });
    position = endOf(extent);
  }
  if (position < capacity) gaps.push({ offset: position, length: capacity - position });
  return gaps;
}

/** What of `a` is not in `b`. */
export function subtract(a: readonly Extent[], b: readonly Extent[]): Extent[] {
  const last = a.at(-1);
  return last === undefined ? [] : intersect(a, complement(b, endOf(last)));
}
