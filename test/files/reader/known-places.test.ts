import { expect, test } from 'vitest';
import { KnownPlaces, type FilePiece, type FilePlaces } from '../../../src/files/reader/known-places.ts';
import type { Place } from '../../../src/files/reader/places.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const size = 3 * GiB + 7;

/** A file of pieces of 1 MiB, every third of which is a hole. */
function bench(count = 3 * 1024) {
  const places = Array.from({ length: count }, (_, at): Place => ({
    at: at * MiB,
    length: MiB,
    from: { kind: 'file', file: 'chain', offset: (count - at) * MiB },
  })).filter((_, at) => at % 3 > 0);
  const looks: FilePiece[] = [];
  const find = async (piece: FilePiece): Promise<FilePlaces> => {
    looks.push(piece);
    const end = piece.length === null ? size : Math.min(size, piece.offset + piece.length);
    return { size, end, places: places.filter(({ at }) => at >= piece.offset && at < end) };
  };
  return { looks, find };
}

const piece = (offset: number, length: number | null, path = 'a'): FilePiece => ({ volume: 'v', path, offset, length });

test('pieces near one another are looked up once, and each gets its part', async () => {
  const { looks, find } = bench();
  const known = new KnownPlaces();
  expect(known.has(piece(MiB, 10))).toBe(false);
  const asked = [0, 1, 5].map((at) => known.of(piece(at * MiB + 5, MiB), find));
  expect(await Promise.all(asked)).toEqual([
    { size, end: MiB + 5, places: [{ at: MiB, length: 5, from: { kind: 'file', file: 'chain', offset: 3071 * MiB } }] },
    {
      size,
      end: 2 * MiB + 5,
      places: [
        { at: MiB + 5, length: MiB - 5, from: { kind: 'file', file: 'chain', offset: 3071 * MiB + 5 } },
        { at: 2 * MiB, length: 5, from: { kind: 'file', file: 'chain', offset: 3070 * MiB } },
      ],
    },
    { size, end: 6 * MiB + 5, places: [{ at: 5 * MiB + 5, length: MiB - 5, from: expect.anything() as object }] },
  ]);
  expect(looks).toEqual([piece(0, GiB)]);
  expect(known.has(piece(500 * MiB, 10))).toBe(true);
  await known.of(piece(GiB - 1, 2), find);
  expect(looks.slice(1)).toEqual([piece(0, 2 * GiB)]);
});

test('of a whole file that is known, every piece is', async () => {
  const { looks, find } = bench();
  const known = new KnownPlaces();
  expect((await known.of(piece(0, null), find))?.end).toBe(size);
  expect((await known.of(piece(2 * GiB, 8 * MiB), find))?.places).toHaveLength(5);
  expect((await known.of(piece(size - 3, 100), find))?.end).toBe(size);
  expect(looks).toHaveLength(1);
});

test('what is not known is kept as that, and a failure is not', async () => {
  const known = new KnownPlaces();
  let looks = 0;
  const nothing = async (): Promise<null> => void looks++ as unknown as null;
  await known.of(piece(0, null), nothing);
  await known.of(piece(0, null), nothing);
  expect(looks).toBe(1);
  const failed = known.of(piece(0, null, 'b'), () => Promise.reject(new Error('gone')));
  await expect(failed).rejects.toThrow('gone');
  expect(known.has(piece(0, null, 'b'))).toBe(false);
});

test('the oldest are forgotten when there are too many', async () => {
  const { find } = bench();
  const known = new KnownPlaces();
  for (let file = 0; file < 12; file++) await known.of(piece(0, null, `file ${file}`), find);
  const kept = Array.from({ length: 12 }, (_, file) => known.has(piece(0, null, `file ${file}`)));
  expect(kept).toEqual(kept.toSorted());
  expect(kept.filter(Boolean)).toHaveLength(9);
});
