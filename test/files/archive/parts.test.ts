import { describe, expect, it } from 'vitest';
import { paxHeaders } from '../../../src/files/archive/pax.ts';
import { PartsReader, PartsWriter, type ArchiveEntry, type ArchivePart } from '../../../src/files/archive/parts.ts';

const entry: ArchiveEntry = {
  name: Buffer.from('./a/\xe9 name', 'latin1'),
  type: '0',
  mode: 0o100644,
  uid: 1000,
  gid: 4_000_000_000,
  size: 10_000,
  mtime: { seconds: -5, nanoseconds: 999_999_999 },
  content: [
    [0, 4096, 0, 8192],
    [8192, 1808, 1, 2 ** 45],
  ],
};
const link: ArchiveEntry = { ...entry, type: '2', size: 0, content: [], target: Buffer.from([0xff, 0x2f]) };

async function written(act: (parts: PartsWriter) => Promise<void>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const parts = new PartsWriter({ write: async (piece) => void pieces.push(Uint8Array.from(piece)) });
  await act(parts);
  await parts.end();
  return Buffer.concat(pieces);
}

/** What comes in pieces of so many bytes; bytes that follow one another as one part. */
function readIn(bytes: Buffer, size: number): ArchivePart[] {
  const reader = new PartsReader();
  const parts: (ArchivePart | Buffer[])[] = [];
  let run: Buffer[] | null = null;
  for (let at = 0; at < bytes.length; at += size)
    for (const part of reader.add(bytes.subarray(at, at + size))) {
      if (!Buffer.isBuffer(part)) run = null;
      else if (run) run.push(part);
      else parts.push((run = [part]));
      if (!run) parts.push(part);
    }
  reader.end();
  return parts.map((part) =>
    Array.isArray(part) && Buffer.isBuffer(part[0]) ? Buffer.concat(part as Buffer[]) : part,
  ) as ArchivePart[];
}

describe('parts of an archive', () => {
  it('come as they were written, in their order, however they are cut', async () => {
    const large = Buffer.alloc(70_000, 'x\n');
    const bytes = await written(async (parts) => {
      await parts.file('/a "file"\n');
      await parts.entry(entry);
      await parts.entry(link);
      await parts.bytes(Buffer.from('\n{"bytes":5}\n[]\n'));
      await parts.bytes(large);
      await parts.entry(entry);
    });
    const whole = Buffer.concat([Buffer.from('\n{"bytes":5}\n[]\n'), large]);
    for (const size of [1, 7, 4096, bytes.length])
      expect(readIn(bytes, size)).toEqual([{ file: '/a "file"\n' }, [entry, link], whole, [entry]]);
  });

  it('come in lines that can be read, however long their paths are', async () => {
    const deep = { ...entry, name: Buffer.alloc(32_000, 'd/') };
    const bytes = await written(async (parts) => {
      for (let count = 0; count < 300; count++) await parts.entry(deep);
    });
    expect(readIn(bytes, 64 * 1024).flat()).toEqual(Array.from({ length: 300 }, () => deep));
    const deepest = { ...link, name: Buffer.alloc(5_000_000, 'd/') };
    expect(readIn(await written((parts) => parts.entry(deepest)), 2 ** 20)).toEqual([paxHeaders(deepest)]);
  });

  it('keeps bytes that the caller uses again', async () => {
    const room = Buffer.from('first');
    const bytes = await written(async (parts) => {
      await parts.bytes(room);
      room.fill('x');
    });
    expect(readIn(bytes, bytes.length)).toEqual([Buffer.from('first')]);
  });

  it('tells what is missing at the end', async () => {
    const bytes = await written(async (parts) => await parts.bytes(Buffer.from('some')));
    expect(() => readIn(bytes.subarray(0, -1), bytes.length)).toThrow(/no end/);
    expect(() => readIn(Buffer.from('[['), 2)).toThrow(/no end/);
  });

  const told = ['Li9h', '0', 420, 0, 0, 10, 1, 0, [[0, 10, 0, 0]]];
  const changed = (at: number, value: unknown): unknown[] => [[...told.slice(0, at), value, ...told.slice(at + 1)]];
  it.each<[string, unknown]>([
    ['no list', { entries: 1 }],
    ['no object', 7],
    ['null', null],
    ['an entry that is none', [7]],
    ['an entry without fields', [[]]],
    ['a name without bytes', changed(0, '')],
    ['a name that is none', changed(0, 7)],
    ['a name with a zero', changed(0, 'LgBh')],
    ['a type that is a device', changed(1, '3')],
    ['a mode that is none', changed(2, -1)],
    ['an owner that is none', changed(3, 2 ** 32)],
    ['a size that is none', changed(5, 1.5)],
    ['a time that is none', changed(6, '1')],
    ['nanoseconds of more than a second', changed(7, 1_000_000_000)],
    ['content that is none', changed(8, null)],
    ['a piece that is none', changed(8, [7])],
    ['a piece behind the end', changed(8, [[1, 10, 0, 0]])],
    ['a piece without bytes', changed(8, [[0, 0, 0, 0]])],
    ['a piece of the guest', changed(8, [[0, 10, null, 0]])],
    [
      'pieces that overlap',
      changed(8, [
        [0, 5, 0, 0],
        [4, 5, 0, 0],
      ]),
    ],
    ['a folder with content', changed(1, '5')],
    ['bytes that are none', { bytes: -1 }],
  ])('refuses %s', (_what, value) => {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
    expect(() => readIn(bytes, bytes.length)).toThrow(/archive in parts/);
  });

  it('refuses what is no JSON, and a line without an end', () => {
    expect(() => readIn(Buffer.from('nonsense\n'), 9)).toThrow(/no JSON/);
    expect(() => readIn(Buffer.alloc(5 * 1024 * 1024, 'x'), 1024 * 1024)).toThrow(/no end/);
  });
});
