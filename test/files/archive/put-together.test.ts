import { describe, expect, it } from 'vitest';
import type { ArchiveEntry } from '../../../src/files/archive/parts.ts';
import { paxBytes, paxHeaders, padding } from '../../../src/files/archive/pax.ts';
import { PutTogether } from '../../../src/files/archive/put-together.ts';
import type { Extent } from '../../../src/files/protocol.ts';
import { random } from '../../support/random.ts';

const sources = [0, 1].map((number) => Buffer.from(Array.from({ length: 3_000_000 }, (_zero, at) => at * 7 + number)));

function contentOf(number: (below: number) => number, size: number, near: number): Extent[] {
  const content: Extent[] = [];
  for (let at = number(4) === 0 ? number(5000) : 0, offset = near; at < size;) {
    const length = Math.min(size - at, 1 + number(number(5) === 0 ? 900_000 : 6000));
    if (offset + length > 3_000_000) offset = number(1_000_000);
    content.push([at, length, number(9) === 0 ? 1 : 0, offset]);
    at += length + (number(6) === 0 ? number(20_000) : 0);
    offset += length + (number(3) === 0 ? number(40_000) : 0);
  }
  return content;
}

function expected({ content, ...entry }: ArchiveEntry): Buffer {
  const bytes = Buffer.alloc(entry.size);
  for (const [at, length, from, offset] of content) sources[from ?? 0]?.copy(bytes, at, offset, offset + length);
  return Buffer.concat([paxHeaders(entry), bytes, padding(entry.size)]);
}

const entryOf = (size: number, content: readonly Extent[], name = 'n'): ArchiveEntry => ({
  name: Buffer.from(name),
  type: '0',
  mode: 0o600,
  uid: 0,
  gid: 0,
  size,
  mtime: { seconds: 1, nanoseconds: 0 },
  content,
});

describe('an archive that is put together', () => {
  it('has every byte in its place', async () => {
    const numbers = random('an archive that is put together');
    const number = (below: number): number => numbers.int(0, Math.max(1, below));
    const wanted: Buffer[] = [];
    const made: Buffer[] = [];
    const archive = new PutTogether({
      // Answers come in any order.
      read: async (from, offset, target) => {
        for (let turns = number(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
        sources[from]?.copy(target, 0, offset, offset + target.length);
      },
      onBytes: (piece) => void made.push(Buffer.from(piece)),
    });
    for (let count = 0; count < 600; count++) {
      const size = number(number(20) === 0 ? 2_500_000 : 12_000);
      const entry = entryOf(size, contentOf(number, size, count * 4500), 'x'.repeat(1 + number(300)));
      wanted.push(expected(entry));
      expect(paxBytes(entry)).toBe(wanted.at(-1)?.length);
      await archive.entry(entry);
      if (number(10) === 0) {
        const bytes = Buffer.alloc(number(5000), `${count}`);
        wanted.push(bytes);
        await archive.bytes(bytes);
      }
    }
    await archive.end();
    expect(Buffer.concat(made).equals(Buffer.concat(wanted))).toBe(true);
  });

  it('reads files that lie side by side in one go', async () => {
    let reads = 0;
    const archive = new PutTogether({ read: async () => void reads++, onBytes: () => undefined });
    for (let count = 0; count < 1000; count++) await archive.entry(entryOf(3000, [[0, 3000, 0, count * 4096]]));
    await archive.end();
    expect(reads).toBeLessThan(20);
  });

  it('hands nothing over that comes behind what cannot be read', async () => {
    let handed = 0;
    const archive = new PutTogether({
      read: async (_from, offset) => {
        if (offset >= 2_000_000) throw new Error('gone');
      },
      onBytes: (piece) => void (handed += piece.length),
    });
    const work = async (): Promise<void> => {
      for (let count = 0; count < 10; count++)
        await archive.entry(entryOf(1_000_000, [[0, 1_000_000, 0, count * 1_000_000]]));
      await archive.end();
    };
    await expect(work()).rejects.toThrow('gone');
    await archive.settle();
    expect(handed).toBeLessThanOrEqual(2_100_000);
  });

  it('does not run ahead of who takes it', async () => {
    let reads = 0;
    const taken = Promise.withResolvers<void>();
    const archive = new PutTogether({ read: async () => void reads++, onBytes: () => taken.promise });
    const whole = archive.entry(entryOf(100_000_000, [[0, 100_000_000, 0, 0]]));
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(reads).toBeLessThan(6);
    taken.resolve();
    await whole;
    await archive.end();
    expect(reads).toBeGreaterThan(90);
  });
});
