import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount } from '../support/loop-mount.ts';
import { randomBytes } from '../support/random.ts';
import { bytesOf, canRead, openImages, type OpenImage } from './reader-of.ts';

const MiB = 1024 * 1024;

interface Seen {
  readonly digest: string;
  readonly bytes: number;
  readonly held: number;
}

/** What each way of reading gives. */
async function contentOf(
  image: OpenImage,
  name: string,
  how: 'guest' | 'disk' | 'file',
  from = 0,
  length: number | null = null,
): Promise<Seen> {
  const { reader, volumes } = image;
  image.fromFiles = how === 'file';
  const hash = createHash('sha256');
  let bytes = 0;
  let held = 0;
  const onBytes = (piece: Buffer): void => {
    hash.update(piece);
    bytes += piece.length;
    held += piece.length;
  };
  const onHole = (zeros: number): void => {
    hash.update(Buffer.alloc(zeros));
    bytes += zeros;
  };
  const ask = { volume: volumes[0]?.id ?? '', path: bytesOf(name), offset: from, length };
  const answer =
    how === 'guest' ? await reader.ask('read', ask, { onBytes }) : await reader.read(ask, { onBytes, onHole });
  expect(answer).toEqual({ bytes });
  return { digest: hash.digest('hex'), bytes, held };
}

/** Files as they come: whole, with holes, with room that was never written, small, and with an end that is no end of a block. */
async function fill(folder: string): Promise<void> {
  await writeFile(join(folder, 'whole'), randomBytes(24 * MiB + 777));
  await writeFile(join(folder, 'small'), randomBytes(5000));
  await writeFile(join(folder, 'nothing'), '');
  await using sparse = await open(join(folder, 'sparse'), 'w');
  await sparse.write(randomBytes(MiB), 0, MiB, 20 * MiB);
  await sparse.write(randomBytes(3), 0, 3, 40 * MiB + 5);
  await sparse.truncate(64 * MiB + 1);
  // ext3 has no such room.
  await execa('fallocate', ['-l', '12MiB', join(folder, 'reserved')], { reject: false });
  await using reserved = await open(join(folder, 'reserved'), constants.O_RDWR | constants.O_CREAT);
  await reserved.write(randomBytes(MiB), 0, MiB, 4 * MiB);
  await execa('fallocate', ['-n', '-o', '24MiB', '-l', '8MiB', join(folder, 'whole')], { reject: false });
}

/** A disk image with one file system, behind 1 MiB where `table` says so. */
async function makeImage(folder: string, type: string, table: boolean): Promise<string> {
  const part = join(folder, 'part');
  const image = join(folder, `${type}.raw`);
  await writeFile(part, '');
  await truncate(part, 400 * MiB);
  await execa(`mkfs.${type}`, ['-q', part]);
  await mkdir(join(folder, 'on'), { recursive: true });
  await execa('mount', ['-o', 'loop', part, join(folder, 'on')]);
  try {
    await fill(join(folder, 'on'));
  } finally {
    await execa('umount', [join(folder, 'on')]);
  }
  if (!table) return part;
  await writeFile(image, '');
  await truncate(image, 402 * MiB);
  await execa('sfdisk', ['-q', image], { input: 'label: gpt\nstart=2048,size=819200\n' });
  await execa('dd', [`if=${part}`, `of=${image}`, 'bs=1M', 'seek=1', 'conv=notrunc,sparse', 'status=none']);
  await rm(part);
  return image;
}

describe.skipIf(!canRead || !canMount).each([
  ['ext4', true, true],
  ['ext3', false, true],
  ['xfs', true, true],
  ['btrfs', false, false],
])('the content of files of %s', (type, table, isPast) => {
  let folder: string;
  let image: OpenImage;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'c-'));
    image = await openImages(await makeImage(folder, type, table));
  });
  afterAll(async () => {
    await image?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(['whole', 'small', 'nothing', 'sparse', 'reserved'])(
    '%s is the same past the guest and through it',
    async (name) => {
      const through = await contentOf(image, name, 'guest');
      for (const how of ['disk', 'file'] as const)
        expect(await contentOf(image, name, how)).toMatchObject({ digest: through.digest, bytes: through.bytes });
    },
  );

  it('all of a small file comes with what is known of it, and nothing of a larger one', async () => {
    const contentIn = async (name: string): Promise<Buffer | null> => {
      const asked = {
        volume: image.volumes[0]?.id ?? '',
        path: bytesOf(name),
        follow: false,
        bare: true,
        content: true,
      };
      const { content } = await image.reader.ask('stat', asked);
      return content === undefined ? null : Buffer.from(content, 'base64');
    };
    const small = (await contentIn('small')) ?? Buffer.alloc(0);
    const { digest } = await contentOf(image, 'small', 'guest');
    expect(createHash('sha256').update(small).digest('hex')).toBe(digest);
    expect(await contentIn('nothing')).toHaveLength(0);
    expect(await contentIn('whole')).toBeNull();
  });

  it('a range is the same', async () => {
    for (const [from, length] of [
      [3 * MiB + 1, 9 * MiB + 5],
      [20 * MiB - 7, 30 * MiB],
      [70 * MiB, 10 * MiB],
    ] as const) {
      const through = await contentOf(image, 'sparse', 'guest', from, length);
      for (const how of ['disk', 'file'] as const)
        expect(await contentOf(image, 'sparse', how, from, length)).toMatchObject({
          digest: through.digest,
          bytes: through.bytes,
        });
    }
  });

  it.each(['disk', 'file'] as const)('holes are told as holes: %s', async (how) => {
    const { bytes, held } = await contentOf(image, 'sparse', how);
    expect(bytes).toBe(64 * MiB + 1);
    expect(held).toBeLessThan(2 * MiB);
  });

  it(`the bytes come ${isPast ? 'from the disk' : 'through the guest'}`, async () => {
    const lines: Buffer[] = [];
    const ask = { volume: image.volumes[0]?.id ?? '', path: bytesOf('whole'), offset: 0, length: null };
    const answer = await image.reader.ask('extents', ask, { onBytes: (piece) => void lines.push(piece) });
    const slots = Buffer.concat(lines)
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as unknown[])[2]);
    expect(answer).toEqual({ known: true, size: 24 * MiB + 777 });
    expect(new Set(slots)).toEqual(new Set([isPast ? 0 : null]));
  });
});
