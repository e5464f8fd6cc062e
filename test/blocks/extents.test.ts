import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  alignTo,
  assertWithin,
  clip,
  complement,
  intersect,
  normalise,
  subtract,
  totalLength,
  type Extent,
} from '../../src/blocks/extents.ts';

const capacity = 200;
const anyExtents = fc.array(
  fc
    .record({ offset: fc.nat(capacity - 1), length: fc.nat(40) })
    .map(({ offset, length }) => ({ offset, length: Math.min(length, capacity - offset) })),
  { maxLength: 12 },
);

const cover = (extents: readonly Extent[]): Set<number> =>
  new Set(extents.flatMap(({ offset, length }) => Array.from({ length }, (_, at) => offset + at)));
const isNormal = (extents: readonly Extent[]): boolean =>
  extents.every(
    ({ offset, length }, at) => length > 0 && (at === 0 || extents[at - 1]!.offset + extents[at - 1]!.length < offset),
  );

describe('extents', () => {
  test('normalise keeps the bytes and leaves no extent that is empty, touches or overlaps another', () => {
    fc.assert(
      fc.property(anyExtents, (extents) => {
        const normal = normalise(extents);
        expect(isNormal(normal)).toBe(true);
        expect(cover(normal)).toEqual(cover(extents));
        expect(totalLength(normal)).toBe(cover(extents).size);
      }),
    );
  });

  test('set operations are those of sets of bytes', () => {
    fc.assert(
      fc.property(anyExtents, anyExtents, fc.nat(capacity), (some, others, end) => {
        const [a, b] = [normalise(some), normalise(others)];
        const [inA, inB] = [cover(a), cover(b)];
        const all = cover([{ offset: 0, length: capacity }]);
        expect(cover(intersect(a, b))).toEqual(inA.intersection(inB));
        expect(cover(subtract(a, b))).toEqual(inA.difference(inB));
        expect(cover(complement(a, capacity))).toEqual(all.difference(inA));
        expect(cover(clip(a, end))).toEqual(new Set([...inA].filter((byte) => byte < end)));
        for (const result of [intersect(a, b), subtract(a, b), complement(a, capacity), clip(a, end)]) {
          expect(isNormal(result)).toBe(true);
        }
      }),
    );
  });

  test('alignTo covers exactly the blocks that are touched, clipped at the end of the disk', () => {
    fc.assert(
      fc.property(anyExtents, fc.integer({ min: 1, max: 64 }), (extents, size) => {
        const aligned = alignTo(extents, size, capacity);
        const blocks = new Set([...cover(extents)].map((byte) => Math.floor(byte / size)));
        const all = [...cover([{ offset: 0, length: capacity }])];
        expect(isNormal(aligned)).toBe(true);
        expect(cover(aligned)).toEqual(new Set(all.filter((byte) => blocks.has(Math.floor(byte / size)))));
      }),
    );
  });

  test('an extent beyond the disk, or not of safe integers, is refused by name', () => {
    expect(() => assertWithin([{ offset: 0, length: 512 }], 512)).not.toThrow();
    for (const extent of [
      { offset: 1, length: 512 },
      { offset: -1, length: 1 },
      { offset: 0.5, length: 1 },
      { offset: 2 ** 53, length: 1 },
      { offset: 600, length: 0 },
    ]) {
      expect(() => assertWithin([extent], 512)).toThrow(/not within the disk of 512 bytes/);
    }
  });
});
