import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256OfFile } from '../../src/repository/sha256-of-file.ts';
import { verifyChain, type StoredDisk } from '../../src/repository/verify-chain.ts';
import { qcow2Header } from '../support/qcow2-header.ts';
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
    await writeFile(folder.file(path), qcow2Header({ backing: parent && `${parent}.qcow2` }));
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
    ['a shorter file', (path: string) => truncate(path, 3), /b1\.qcow2 has 3 bytes, 112 were committed/],
    ['a longer file', (path: string) => truncate(path, 113), /b1\.qcow2 has 113 bytes, 112 were committed/],
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

  test.each<[string, Buffer, string]>([
    ['data in another file', qcow2Header({ incompatible: 4n }), 'has its data in another file'],
    [
      'features that nobody knows',
      qcow2Header({ incompatible: 16n }),
      'has qcow2 features that Sendense does not use (0x10)',
    ],
    ['old encryption', qcow2Header({ crypt: 1 }), 'is encrypted in a way that Sendense does not use'],
    [
      'a backing file elsewhere',
      qcow2Header({ backing: '/etc/shadow' }),
      'is built on "/etc/shadow", which is not a file beside it',
    ],
    [
      'a server for a backing file',
      qcow2Header({ backing: 'nbd://127.0.0.1:10809/x' }),
      'is built on "nbd://127.0.0.1:10809/x", which is not a file beside it',
    ],
    ['another parent', qcow2Header({ backing: 'b0.qcow2' }), 'names the backing file b0.qcow2, b1.qcow2 was committed'],
    ['no parent', qcow2Header(), 'names the backing file none, b1.qcow2 was committed'],
    [
      'a parent of another format',
      qcow2Header({ backing: 'b1.qcow2', backingFormat: 'vmdk' }),
      'is built on b1.qcow2 of format "vmdk", which has to be qcow2',
    ],
    [
      'a parent of any format',
      qcow2Header({ backing: 'b1.qcow2', backingFormat: null }),
      'is built on b1.qcow2 of format unknown, which has to be qcow2',
    ],
    ['another format', Buffer.from('# Disk DescriptorFile\nversion=1\n'), 'is not a qcow2 file'],
  ])('an image with %s breaks it', async (_name, header, reason) => {
    await using folder = await temporaryFolder();
    const disks = await chain(folder);
    const path = disks[1]?.path ?? '';
    await writeFile(folder.file(path), header);
    const changed = disks.map((disk) => (disk.path === path ? { ...disk, fileBytes: header.length } : disk));
    expect(await verifyChain(folder.path, changed)).toEqual({ verdict: 'broken', reason: `${path} ${reason}` });
  });
});

test('sha256OfFile is that of sha256sum, and ends on an abort', async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file('a'), 'abc');
  expect(await sha256OfFile(folder.file('a'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  await expect(sha256OfFile(folder.file('a'), AbortSignal.abort())).rejects.toThrow();
});

test('a block index that is longer than that of any such disk is not read, and reading ends with the signal', async () => {
  await using folder = await temporaryFolder();
  const disks = await chain(folder);
  const [newest, , oldest] = disks;
  for (const disk of [newest!, oldest!]) await truncate(folder.file(disk.indexPath), 2 ** 40);
  const started = performance.now();
  expect(await verifyChain(folder.path, disks)).toMatchObject({
    verdict: 'broken',
    reason: expect.stringMatching(/block index .*b3\.index.* is longer than the index of such a disk can be/) as string,
  });
  await expect(sha256OfFile(folder.file(oldest!.indexPath), undefined, 300)).rejects.toMatchObject({ code: 'EFBIG' });
  await truncate(folder.file(newest!.indexPath), 2 ** 38);
  const large = disks.map((disk) => ({ ...disk, capacity: 2 ** 50 }));
  await expect(verifyChain(folder.path, large, { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
  // Reading one of them takes many minutes.
  expect(performance.now() - started).toBeLessThan(60_000);
});
