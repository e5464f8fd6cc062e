import { execa } from 'execa';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { contentStream, lockedHeadBytes, lockingStream, openContent } from '../../../src/host/images/locked-file.ts';
import type { ImageKey } from '../../../src/host/images/image-options.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { randomBytes } from '../../support/random.ts';

const key: ImageKey = { id: '0'.repeat(16), passphrase: randomBytes(32).toString('base64') };

async function lock(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from, { highWaterMark: 1000 }), await lockingStream(key), createWriteStream(to));
}

test.each([0, 1, 15, 16, 17, 100_000, 2_500_001])(
  '%d bytes come back, whole and in parts, and openssl reads them',
  async (bytes) => {
    await using folder = await temporaryFolder();
    const content = randomBytes(bytes);
    await writeFile(folder.file('plain'), content);
    await lock(folder.file('plain'), folder.file('locked'));
    expect((await stat(folder.file('locked'))).size).toBe(bytes + lockedHeadBytes);
    if (bytes > 16) expect((await readFile(folder.file('locked'))).includes(content.subarray(0, 16))).toBe(false);
    expect((await buffer(contentStream(folder.file('locked'), key))).equals(content)).toBe(true);

    await using reader = await openContent(folder.file('locked'), key);
    expect(reader).toMatchObject({ encrypted: true, size: bytes });
    for (const [position, length] of [
      [0, 5],
      [3, 40],
      [16, 16],
      [4095, 70_000],
      [bytes, 10],
    ] as const) {
      const part = Buffer.alloc(length);
      const count = await reader.read(part, position);
      expect(part.subarray(0, count).equals(content.subarray(position, position + length))).toBe(true);
    }
    await writeFile(folder.file('key'), key.passphrase);
    const openssl = ['enc', '-d', '-aes-256-ctr', '-pbkdf2', '-pass', `file:${folder.file('key')}`];
    await execa('openssl', [...openssl, '-in', folder.file('locked'), '-out', folder.file('out')]);
    expect((await readFile(folder.file('out'))).equals(content)).toBe(true);
  },
);

test('equal contents are not equal when they are locked', async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file('plain'), Buffer.alloc(1000));
  await lock(folder.file('plain'), folder.file('a'));
  await lock(folder.file('plain'), folder.file('b'));
  expect((await readFile(folder.file('a'))).subarray(16).equals((await readFile(folder.file('b'))).subarray(16))).toBe(
    false,
  );
});

test('a plain file is read as it is, and one that is locked not without its key', async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file('plain'), 'as it is');
  await lock(folder.file('plain'), folder.file('locked'));
  await using plain = await openContent(folder.file('plain'), key);
  expect(plain).toMatchObject({ encrypted: false, size: 8 });
  await expect(openContent(folder.file('locked'))).rejects.toMatchObject({ code: 'repository.key' });
});
