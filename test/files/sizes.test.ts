import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/files/protocol.ts';
import { entriesOf } from '../../src/files/reader/check-answer.ts';
import { canMount } from '../support/loop-mount.ts';
import { rounds } from '../support/rounds.ts';
import { bytesOf, canRead, openImages, type OpenImage } from './reader-of.ts';

const many = rounds(20_000, 100_000);
const MiB = 2 ** 20;
const tebibyte = 2 ** 40;

/** Folders of 20 names of 250 bytes: a path of 5020 bytes. */
const fill = `
import os, sys
os.chdir(sys.argv[1])
os.mkdir('many')
for at in range(${many}):
    os.close(os.open('many/%06d' % at, os.O_CREAT | os.O_WRONLY, 0o644))
with open('huge', 'wb') as file:
    for at in (0, 2 << 40, (4 << 40) - 6):
        file.seek(at)
        file.write(b'middle')
for name, pieces in (('pieces', 5000), ('many-pieces', 25000)):
    with open(name, 'wb') as file:
        for at in range(pieces):
            file.seek(at * 8192)
            file.write(b'%08d' % at * 512)
for _ in range(20):
    os.mkdir('d' * 250)
    os.chdir('d' * 250)
with open('n' * 255, 'wb') as file:
    file.write(b'far down')
`;
const deep = `${`${'d'.repeat(250)}/`.repeat(20)}${'n'.repeat(255)}`;

describe.skipIf(!canRead || !canMount)('what is large', () => {
  let folder: string;
  let image: OpenImage;
  const root = { volume: 'disk-0', path: '' };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'z-'));
    const disk = join(folder, 'disk.raw');
    await writeFile(disk, '');
    await truncate(disk, 1024 * MiB);
    await execa('mkfs.ext4', ['-q', '-b', '4096', '-N', '130000', disk]);
    await mkdir(join(folder, 'on'));
    await execa('mount', ['-o', 'loop', disk, join(folder, 'on')]);
    try {
      await execa('python3', ['-c', fill, join(folder, 'on')]);
    } finally {
      await execa('umount', [join(folder, 'on')]);
    }
    image = await openImages(disk);
  }, 600_000);
  afterAll(async () => {
    await image?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const contentOf = async (path: string, offset = 0, length: number | null = null) => {
    const digest = createHash('sha256');
    const seen = { bytes: 0, holes: 0, digest: '' };
    const onBytes = (bytes: Buffer): void => {
      digest.update(bytes);
      seen.bytes += bytes.length;
    };
    const onHole = (hole: number): void => void (seen.holes += hole);
    await image.reader.read({ ...root, path: bytesOf(path), offset, length }, { onBytes, onHole });
    return { ...seen, digest: digest.digest('hex') };
  };

  it(
    `a folder of ${many} entries comes in pages, is searched and packed, in little memory`,
    { timeout: 600_000 },
    async () => {
      const before = process.memoryUsage().rss;
      const names: string[] = [];
      let after: string | null = null;
      for (let more = true; more;) {
        const page: Entry[] = [];
        const onBytes = entriesOf((entry) => void page.push(entry));
        const asked = { ...root, path: bytesOf('many'), after, limit: 10_000 };
        const answer: { readonly more: boolean; readonly total: number } = await image.reader.ask('list', asked, {
          onBytes,
        });
        expect(answer.total).toBe(many);
        names.push(...page.map(({ name }) => Buffer.from(name, 'base64').toString()));
        after = page.at(-1)?.name ?? null;
        more = answer.more;
      }
      expect(names).toEqual(Array.from({ length: many }, (_zero, at) => String(at).padStart(6, '0')));
      const found: string[] = [];
      const take = entriesOf(({ name }) => void found.push(Buffer.from(name, 'base64').toString()));
      await image.reader.ask('walk', { ...root, filter: { names: ['00?999'] } }, { onBytes: take });
      expect(found).toEqual(Array.from({ length: 10 }, (_zero, at) => `many/00${at}999`));
      let bytes = 0;
      await image.reader.archive(
        { volume: 'disk-0', paths: [bytesOf('many')] },
        { onBytes: (piece) => void (bytes += piece.length) },
      );
      expect(bytes).toBeGreaterThanOrEqual(many * 512);
      const grown = Math.round((process.memoryUsage().rss - before) / MiB);
      console.log(
        `${many} entries: listed, searched and packed (${Math.round(bytes / MiB)} MiB); this process grew by ${grown} MiB`,
      );
      expect(grown).toBeLessThan(150);
    },
  );

  it(
    'a file of 4 TiB with holes is read without them, at its end, and packed with them',
    { timeout: 300_000 },
    async () => {
      const whole = await contentOf('huge');
      expect(whole.bytes + whole.holes).toBe(4 * tebibyte);
      expect(whole.bytes).toBeLessThan(MiB);
      const end = await contentOf('huge', 4 * tebibyte - 6, 6);
      expect([end.bytes, end.digest]).toEqual([6, createHash('sha256').update('middle').digest('hex')]);
      let bytes = 0;
      const onBytes = (piece: Buffer): void => void (bytes += piece.length);
      await image.reader.archive({ volume: 'disk-0', paths: [bytesOf('huge')] }, { onBytes });
      expect(bytes).toBeLessThan(MiB);
    },
  );

  it.each([
    ['pieces', 5000],
    ['many-pieces', 25_000],
  ])('%s: a file of %i pieces has each of them', { timeout: 300_000 }, async (name, pieces) => {
    const digest = createHash('sha256');
    const seen = await contentOf(name);
    // More pieces than are told come with their holes, as bytes.
    const isTold = seen.holes > 0;
    for (let at = 0; at < pieces; at++) {
      digest.update(String(at).padStart(8, '0').repeat(512));
      if (!isTold && at < pieces - 1) digest.update(Buffer.alloc(4096));
    }
    expect(seen.digest).toBe(digest.digest('hex'));
    expect(seen.bytes + seen.holes).toBe((pieces - 1) * 8192 + 4096);
  });

  it('a path of more than 5000 bytes is found, told and read', { timeout: 300_000 }, async () => {
    expect((await contentOf(deep)).digest).toBe(createHash('sha256').update('far down').digest('hex'));
    const { name } = await image.reader.ask('stat', { ...root, path: bytesOf(deep), follow: false });
    expect(Buffer.from(name, 'base64').toString()).toBe('n'.repeat(255));
    const found: string[] = [];
    const take = entriesOf((entry) => void found.push(Buffer.from(entry.name, 'base64').toString()));
    await image.reader.ask('walk', { ...root, filter: { names: ['nnn*'] } }, { onBytes: take });
    expect(found).toEqual([deep]);
  });
});
