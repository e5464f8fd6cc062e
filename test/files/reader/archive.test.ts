import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PartsReader, PartsWriter, type ArchiveEntry } from '../../../src/files/archive/parts.ts';
import { PutTogether } from '../../../src/files/archive/put-together.ts';
import { readArchive, type ArchiveOptions } from '../../../src/files/reader/archive.ts';
import type { ContentParts } from '../../../src/files/reader/content.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { printedRandom, type Random } from '../../support/random.ts';
import { rounds } from '../../support/rounds.ts';

const blocks = 40;
const blockBytes = 4096;

/** A disk of blocks, each in one of the files of a chain, or nobody knows where. */
function randomDisk(random: Random, files: readonly string[]) {
  const content = random.bytes(blocks * blockBytes);
  for (const file of files) writeFileSync(file, content);
  const places = Array.from({ length: blocks }, () => files[random.int(0, files.length + 2)]);
  const found = places.flatMap((file, block) => {
    const offset = block * blockBytes;
    return file === undefined ? [] : [{ offset, length: blockBytes, in: { file, offset } }];
  });
  return {
    find: async () => found,
    written: async () => [],
    client: {
      size: content.length,
      read: async (offset: number, target: Buffer) => void content.copy(target, 0, offset, offset + target.length),
    },
  };
}

function randomEntry(random: Random, number: number): ArchiveEntry {
  const from = random.int(0, blocks);
  const size = random.int(1, Math.min(5, blocks - from) + 1) * blockBytes;
  return {
    name: Buffer.from(`./${number}`),
    type: '0',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: { seconds: number, nanoseconds: 0 },
    content: [[0, size, 0, from * blockBytes]],
  };
}

async function archived(
  disk: ReturnType<typeof randomDisk>,
  entries: readonly ArchiveEntry[],
  inParts?: ArchiveOptions['inParts'],
): Promise<Buffer> {
  const made: Buffer[] = [];
  const ask = async (_verb: string, _asked: unknown, { onBytes }: { onBytes(bytes: Buffer): Promise<void> }) => {
    const writer = new PartsWriter({ write: async (bytes) => onBytes(Buffer.from(bytes)) });
    for (const entry of entries) await writer.entry(entry);
    await writer.end();
    return {};
  };
  const parts = { ask, disks: [disk], ended: new AbortController().signal } as unknown as ContentParts;
  await readArchive(parts, {} as Parameters<typeof readArchive>[1], {
    onBytes: (bytes) => void made.push(Buffer.from(bytes)),
    inParts,
  });
  return Buffer.concat(made);
}

/** What somebody makes of the parts who reads the files himself. */
async function together(parts: Buffer): Promise<Buffer> {
  const made: Buffer[] = [];
  const named: string[] = [];
  const archive = new PutTogether({
    read: async (from, offset, target) => void readFileSync(named[from] ?? '').copy(target, 0, offset),
    onBytes: (piece) => void made.push(Buffer.from(piece)),
  });
  const reader = new PartsReader();
  for (const part of reader.add(parts)) {
    if (Buffer.isBuffer(part)) await archive.bytes(part);
    else if ('file' in part) named.push(part.file);
    else for (const entry of part) await archive.entry(entry);
  }
  reader.end();
  await archive.end();
  return Buffer.concat(made);
}

it('an archive in parts is the same, wherever its content lies', async () => {
  await using folder = await temporaryFolder();
  const random = printedRandom('archive in parts');
  for (let round = 0; round < rounds(30, 2000); round++) {
    const disk = randomDisk(
      random,
      ['full', 'first', 'second'].map((name) => folder.file(name)),
    );
    const entries = Array.from({ length: random.int(1, 12) }, (_, number) => randomEntry(random, number));
    const whole = await archived(disk, entries);
    let told = 0;
    const parts = await archived(disk, entries, (bytes) => (told += bytes));
    expect((await together(parts)).equals(whole)).toBe(true);
    expect(told).toBeLessThanOrEqual(whole.length);
  }
});
