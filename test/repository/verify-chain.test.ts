import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256OfFile, verifyChain, type StoredDisk } from '../../src/repository/verify-chain.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';

/** A chain of three, newest first, with files of the right sizes. */
async function chain(folder: TemporaryFolder): Promise<StoredDisk[]> {
  const disks: StoredDisk[] = [];
  for (const [id, parent] of [
    ['b3', 'b2'],
    ['b2', 'b1'],
    ['b1', null],
  ] as const) {
    const path = `vm/disk-0/${id}.qcow2`;
    const indexPath = `vm/disk-0/${id}.index`;
    await mkdir(dirname(folder.file(path)), { recursive: true });
    await writeFile(folder.file(path), `image ${id}`);
    await writeFile(folder.file(indexPath), `index ${id}`);
    const { size, mtimeNs } = await stat(folder.file(path), { bigint: true });
    disks.push({
      backupId: id,
      number: 0,
      uuid: 'u',
      capacity: 1,
      path,
      indexPath,
      indexSha256: createHash('sha256').update(`index ${id}`).digest('hex'),
      fileBytes: Number(size),
      fileMtimeNs: String(mtimeNs),
      digest: 'sha256:',
      changeId: 'c',
      parent,
    });
  }
  return disks;
}

describe('verifyChain', () => {
  test('finds an untouched chain sound', async () => {
    await using folder = await temporaryFolder();
    expect(await verifyChain(folder.path, await chain(folder))).toEqual({ verdict: 'sound' });
  });

  test.each([
    ['a missing file', (path: string) => rm(path), /b1\.qcow2 is missing/],
    ['a shorter file', (path: string) => truncate(path, 3), /b1\.qcow2 has 3 bytes, 8 were committed/],
    ['a longer file', (path: string) => truncate(path, 9), /b1\.qcow2 has 9 bytes, 8 were committed/],
    [
      'a link to the right file',
      (path: string) => rename(path, `${path}.x`).then(() => symlink(`${path}.x`, path)),
      /b1\.qcow2 is not a regular file/,
    ],
    ['a directory', (path: string) => rm(path).then(() => mkdir(path)), /b1\.qcow2 is not a regular file/],
  ])('%s anywhere in the chain breaks it', async (_name, damage, reason) => {
    await using folder = await temporaryFolder();
    const disks = await chain(folder);
    await damage(folder.file(disks[2]?.path ?? ''));
    expect(await verifyChain(folder.path, disks)).toEqual({
      verdict: 'broken',
      reason: expect.stringMatching(reason) as string,
    });
  });

  test('other times touch it, and say of which files', async () => {
    await using folder = await temporaryFolder();
    const disks = await chain(folder);
    await utimes(folder.file(disks[1]?.path ?? ''), 1, 1);
    await utimes(folder.file(disks[2]?.path ?? ''), 1, 1);
    expect(await verifyChain(folder.path, disks)).toEqual({
      verdict: 'touched',
      paths: ['vm/disk-0/b2.qcow2', 'vm/disk-0/b1.qcow2'],
    });
  });

  test('a difference of one nanosecond counts', async () => {
    await using folder = await temporaryFolder();
    const [newest, ...rest] = await chain(folder);
    if (!newest) throw new Error('no chain');
    const touched = { ...newest, fileMtimeNs: String(BigInt(newest.fileMtimeNs) + 1n) };
    expect(await verifyChain(folder.path, [touched, ...rest])).toMatchObject({ verdict: 'touched' });
  });

  test('the newest block index must be there and as it was committed; older ones are not needed', async () => {
    await using folder = await temporaryFolder();
    const disks = await chain(folder);
    await rm(folder.file(disks[1]?.indexPath ?? ''));
    expect(await verifyChain(folder.path, disks)).toEqual({ verdict: 'sound' });
    await writeFile(folder.file(disks[0]?.indexPath ?? ''), 'index bX');
    expect(await verifyChain(folder.path, disks)).toMatchObject({
      verdict: 'broken',
      reason: expect.stringContaining('b3.index is not as it was committed') as string,
    });
    await rm(folder.file(disks[0]?.indexPath ?? ''));
    expect(await verifyChain(folder.path, disks)).toMatchObject({
      verdict: 'broken',
      reason: expect.stringContaining('b3.index is missing') as string,
    });
  });

  test.each([
    ['data in another file', (header: Buffer) => void header.writeBigUInt64BE(4n, 72), 'has its data in another file'],
    [
      'a backing file elsewhere',
      (header: Buffer) => {
        header.writeBigUInt64BE(80n, 8);
        header.writeUInt32BE(11, 16);
        header.write('/etc/shadow', 80, 'latin1');
      },
      'is built on /etc/shadow, which is not a file beside it',
    ],
  ])('an image with %s breaks it', async (_name, change, reason) => {
    await using folder = await temporaryFolder();
    const disks = await chain(folder);
    const header = Buffer.alloc(112);
    header.write('QFI\xfb\0\0\0\x03', 0, 'latin1');
    change(header);
    const path = disks[1]?.path ?? '';
    await writeFile(folder.file(path), header);
    const changed = disks.map((disk) => (disk.path === path ? { ...disk, fileBytes: 112 } : disk));
    expect(await verifyChain(folder.path, changed)).toEqual({ verdict: 'broken', reason: `${path} ${reason}` });
  });
});

test('sha256OfFile is that of sha256sum, and ends on an abort', async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file('a'), 'abc');
  expect(await sha256OfFile(folder.file('a'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  await expect(sha256OfFile(folder.file('a'), AbortSignal.abort())).rejects.toThrow();
});
