import { expect, it } from 'vitest';
import type { Extent } from '../../src/files/protocol.ts';
import { placesOf, type KnownDisk } from '../../src/files/reader/places.ts';
import type { Stored } from '../../src/files/reader/stored.ts';
import { printedRandom, type Random } from '../support/random.ts';
import { rounds } from '../support/rounds.ts';

const blocks = 60;

/** A disk of blocks, each with what it holds: in a file, zeros, unknown; and whether the guest has written to it. */
function randomDisk(random: Random) {
  const kinds = Array.from({ length: blocks }, () => random.int(0, 3));
  const written = Array.from({ length: blocks }, () => random.chance(0.2));
  const stored = kinds.flatMap((kind, block): Stored[] => {
    if (kind === 2) return [];
    return [{ offset: block, length: 1, in: kind === 0 ? { file: 'chain', offset: 1000 - block } : null }];
  });
  const merged = random.chance(0.5) ? stored.toReversed() : stored;
  const disk: KnownDisk = {
    find: async () => merged,
    written: async ({ offset, length }) =>
      [...written.keys()]
        .filter((block) => block >= offset && block < offset + length && written[block])
        .map((block) => ({ offset: block, length: 1 })),
  };
  const of = (block: number): string => {
    if (written[block] || kinds[block] === 2) return `disk ${block}`;
    return kinds[block] === 0 ? `chain ${1000 - block}` : 'zeros';
  };
  return { disk, of };
}

function randomExtents(random: Random): Extent[] {
  const extents: Extent[] = [];
  for (let at = random.int(0, 4); at < 100;) {
    const length = random.int(1, 10);
    const offset = random.int(0, blocks - length);
    extents.push([at, length, random.chance(0.2) ? null : 0, offset]);
    at += length + random.int(0, 3);
  }
  return extents;
}

it('each byte of a file comes from where it is', async () => {
  const random = printedRandom('places');
  for (let round = 0; round < rounds(200, 20_000); round++) {
    const { disk, of } = randomDisk(random);
    const extents = randomExtents(random);
    const found: Record<number, string> = {};
    let reached = 0;
    for (const { at, length, from } of await placesOf([disk], extents)) {
      expect(at).toBeGreaterThanOrEqual(reached);
      expect(length).toBeGreaterThan(0);
      reached = at + length;
      for (let step = 0; step < length; step++) {
        if (from.kind === 'guest') found[at + step] = 'guest';
        else found[at + step] = `${from.kind === 'file' ? from.file : 'disk'} ${from.offset + step}`;
      }
    }
    const wanted: Record<number, string> = {};
    for (const [at, length, slot, offset] of extents)
      for (let step = 0; step < length; step++) {
        const bytes = slot === null ? 'guest' : of(offset + step);
        if (bytes !== 'zeros') wanted[at + step] = bytes;
      }
    expect(found).toEqual(wanted);
  }
});

it('a disk of which nothing is known is read as the guest sees it', async () => {
  const disk: KnownDisk = { find: null, written: async () => [] };
  expect(await placesOf([disk], [[5, 10, 0, 70]])).toEqual([
    { at: 5, length: 10, from: { kind: 'disk', slot: 0, offset: 70 } },
  ]);
});
