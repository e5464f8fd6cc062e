import type { Extent } from '../protocol.ts';
import type { Area, FindStored, Stored } from './stored.ts';

/** Where bytes of a file come from: a file of this machine, a disk as the guest sees it, or the guest, who alone can tell. */
export type Source =
  | { readonly kind: 'file'; readonly file: string; readonly offset: number }
  | { readonly kind: 'disk'; readonly slot: number; readonly offset: number }
  | { readonly kind: 'guest' };

/** A piece of a file, bytes. Between pieces there are zeros. */
export interface Place {
  readonly at: number;
  readonly length: number;
  readonly from: Source;
}

/** What is known of a disk. */
export interface KnownDisk {
  /** Where its bytes lie without what the guest has written; null: nobody knows. */
  readonly find: FindStored | null;
  /** What the guest has written to in an area, at least: in order. */
  written(area: Area): Promise<readonly Area[]>;
}

/** The places of a file's extents, in order. What the guest has not written to lies where the restore point has it. */
export async function placesOf(
  disks: readonly KnownDisk[],
  extents: readonly Extent[],
  signal?: AbortSignal,
): Promise<readonly Place[]> {
  const stored = await Promise.all(disks.map((disk, slot) => storedOf(disk, areasOn(slot, extents), signal)));
  return extents.flatMap(([at, length, slot, offset]) => {
    if (slot === null) return [{ at, length, from: { kind: 'guest' as const } }];
    return [...sourcesOf({ offset, length }, slot, stored[slot] ?? [])].map((piece) => ({
      at: at + piece.offset - offset,
      length: piece.length,
      from: piece.from,
    }));
  });
}

const areasOn = (slot: number, extents: readonly Extent[]): Area[] =>
  extents.flatMap(([, length, on, offset]) => (on === slot ? [{ offset, length }] : []));

/** What lies in files, by its place on the disk. */
export async function storedOf(
  { find, written }: KnownDisk,
  areas: readonly Area[],
  signal?: AbortSignal,
): Promise<Stored[]> {
  if (!find || areas.length === 0) return [];
  const found = [...(await find(areas, signal))].sort((a, b) => a.offset - b.offset);
  const kept: Stored[] = [];
  for (const run of besideOneAnother(found)) kept.push(...without(run, await written(hullOf(run))));
  return kept;
}

/** Pieces that follow one another without a gap: to ask about each of them takes long. */
function besideOneAnother(pieces: readonly Stored[]): (readonly Stored[])[] {
  const runs: Stored[][] = [];
  let end = -1;
  for (const piece of pieces) {
    if (piece.offset === end) runs.at(-1)?.push(piece);
    else runs.push([piece]);
    end = piece.offset + piece.length;
  }
  return runs;
}

function hullOf(run: readonly Stored[]): Area {
  const offset = run[0]?.offset ?? 0;
  return { offset, length: run.reduce((sum, { length }) => sum + length, 0) };
}

/** @param written in order, as the pieces */
function* without(pieces: readonly Stored[], written: readonly Area[]): Generator<Stored> {
  let next = 0;
  for (const piece of pieces) {
    const end = piece.offset + piece.length;
    let from = piece.offset;
    for (; next < written.length; next++) {
      const { offset = 0, length = 0 } = written[next] ?? {};
      if (offset >= end) break;
      if (offset > from) yield cut(piece, from, offset);
      from = Math.max(from, offset + length);
      // It may reach into the next piece.
      if (from > end) break;
    }
    if (from < end) yield cut(piece, from, end);
  }
}

const cut = ({ offset, in: place }: Stored, from: number, to: number): Stored => ({
  offset: from,
  length: to - from,
  in: place && { file: place.file, offset: place.offset + from - offset },
});

/** An area of a disk, piece by piece; zeros are left out. */
export function* sourcesOf(
  { offset, length }: Area,
  slot: number,
  stored: readonly Stored[],
): Generator<Area & { readonly from: Source }> {
  const end = offset + length;
  let reached = offset;
  for (let next = firstAfter(stored, offset); reached < end; next++) {
    const piece = stored[next];
    const start = Math.min(Math.max(piece?.offset ?? end, reached), end);
    if (start > reached)
      yield { offset: reached, length: start - reached, from: { kind: 'disk', slot, offset: reached } };
    if (!piece || start === end) return;
    const to = Math.min(piece.offset + piece.length, end);
    const own = cut(piece, start, to);
    if (own.in) yield { offset: start, length: own.length, from: { kind: 'file', ...own.in } };
    reached = to;
  }
}

/** Index of the first piece that ends behind a place. */
function firstAfter(stored: readonly Stored[], offset: number): number {
  let [low, high] = [0, stored.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { offset: start = 0, length = 0 } = stored[middle] ?? {};
    if (start + length > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
