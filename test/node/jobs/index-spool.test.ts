import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { openIndexSpool } from '../../../src/node/jobs/index-spool.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

const MiB = 1024 * 1024;

/** A file system of its own, with that much of it taken. */
async function small(folder: string, size: string, taken: number): Promise<AsyncDisposable> {
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  await writeFile(`${folder}/ballast`, Buffer.alloc(taken));
  return { [Symbol.asyncDispose]: async () => void (await execa('umount', [folder])) };
}

test('an index goes where there is room for it, and a refusal says how much is missing where', async () => {
  await using folder = await temporaryFolder();
  await using _disk = await small(folder.path, '24m', 5 * MiB);
  const spool = await openIndexSpool(folder.file('spool'));
  const index = Buffer.alloc(MiB, 7);
  const sha256 = createHash('sha256').update(index).digest('hex');
  // 19 MiB are free.
  await spool.put(sha256, Readable.from([index]), index.length);
  expect(await readdir(folder.file('spool'))).toEqual([`${sha256}.index`]);

  const refused = spool.put('0'.repeat(64), Readable.from([]), 20 * MiB);
  await expect(refused).rejects.toMatchObject({
    code: 'disk.full',
    message: expect.stringMatching(
      /spool: a block index from the hub needs 20\.0 MiB, 4\.0 MiB are to stay free, and 1[78]\.\d MiB are free there: \d\.\d MiB are missing/,
    ),
  });
  // Nobody said how long it is.
  const chunks = Array.from({ length: 20 }, () => index);
  await expect(spool.put('1'.repeat(64), Readable.from(chunks), undefined)).rejects.toMatchObject({
    code: 'disk.full',
  });
  expect(await readdir(folder.file('spool'))).toEqual([`${sha256}.index`]);
});
