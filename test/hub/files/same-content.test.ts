import { expect, test } from 'vitest';
import { differentPlaces, sameContent, type ComparedFile } from '../../../src/hub/files/compare/same-content.ts';
import type { Place } from '../../../src/files/reader/places.ts';
import { printedRandom, type Random } from '../../support/random.ts';
import { rounds } from '../../support/rounds.ts';

const unit = 2 * 2 ** 20;
const units = 40;

/** What each part of a file is: zeros, a place in a file, one on the disk as the reader sees it. */
type Part = 'zeros' | 'disk' | `${number} ${string}`;

function placesOf(parts: readonly Part[]): Place[] {
  return parts.flatMap((part, at): Place[] => {
    const where = { at: at * unit, length: unit };
    if (part === 'zeros') return [];
    if (part === 'disk') return [{ ...where, from: { kind: 'disk', slot: 0, offset: at } }];
    const [offset = '', file = ''] = part.split(' ');
    return [{ ...where, from: { kind: 'file', file, offset: Number(offset) * unit } }];
  });
}

const somePart = (random: Random, at: number): Part =>
  random.chance(0.3) ? 'zeros' : random.chance(0.2) ? 'disk' : `${random.chance(0.8) ? at : at + 1} file`;

test('only what lies in the same place is not read', () => {
  const random = printedRandom('same content');
  for (let round = 0; round < rounds(200, 5000); round++) {
    const [a, b] = [0, 1].map(() => Array.from({ length: units }, (_, at) => somePart(random, at)));
    const read = new Set<number>();
    const size = units * unit - random.int(0, unit);
    let reached = -1;
    for (const { from, to } of differentPlaces(placesOf(a ?? []), placesOf(b ?? []), size)) {
      expect(from).toBeGreaterThan(reached);
      expect(to).toBeGreaterThan(from);
      reached = to;
      for (let at = from; at < to; at += unit) read.add(at / unit);
    }
    const wanted = Array.from({ length: units }, (_, at) => at).filter(
      (at) => a?.[at] !== b?.[at] || a?.[at] === 'disk',
    );
    expect([...read]).toEqual(wanted);
  }
});

/** A file of which it is told what is read. */
function compared(bytes: Buffer, places: readonly Place[] | null, read: number[]): ComparedFile {
  return {
    volume: 'v',
    path: '',
    files: {
      places: async () => places && { size: bytes.length, end: bytes.length, places },
      async read({ offset, length }, { onBytes }) {
        const piece = bytes.subarray(offset, offset + (length ?? bytes.length));
        read.push(piece.length);
        await onBytes(piece);
        return { bytes: piece.length };
      },
    },
  };
}

test.each([
  ['the same', 0, true],
  ['another byte', 1, false],
])('what is elsewhere is read: %s', async (_what, change, same) => {
  const bytes = Buffer.alloc(3 * unit, 7);
  const other = Buffer.from(bytes);
  other[unit + 5] = 7 + change;
  const read: number[] = [];
  const [a, b] = [placesOf(['1 x', '2 x', 'zeros']), placesOf(['1 x', '2 y', 'zeros'])];
  const signal = new AbortController().signal;
  expect(await sameContent(compared(bytes, a, read), compared(other, b, read), bytes.length, signal)).toBe(same);
  expect(read).toEqual([unit, unit]);
  const all: number[] = [];
  expect(await sameContent(compared(bytes, a, all), compared(other, null, all), bytes.length, signal)).toBe(same);
  expect(all).toEqual([bytes.length, bytes.length]);
});
