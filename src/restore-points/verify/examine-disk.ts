import { hash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { strayFolder } from '../../repository/stray-folder.ts';
import { sha256OfFile, tooLong } from '../../repository/sha256-of-file.ts';
import { compareGuest } from './compare-guest.ts';
import { compareFile } from './compare-file.ts';
import { openIndex } from '../../blocks/block-index.ts';
import { parentOfIndex } from '../../blocks/index-parent.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { smallBytes } from '../../host/images/locked-file.ts';
import { readSmall } from '../../host/files/regular-file.ts';
import { mostStoredIndexBytes, saysTheSame } from '../../repository/index-chain.ts';
import { keyOf, type DiskToExamine, type Problem } from './disk-work.ts';
import { imageStructure } from './image-structure.ts';

export interface DiskVerdict {
  /** Null: it is sound as far as it was looked at. */
  readonly problem: Problem | null;
  /** The file has another time than at the commit. */
  readonly touched: boolean;
  /** Of the content: the block index and qcow2 metadata that are read to judge it do not count. */
  readonly bytesRead: number;
}

/**
 * One disk of one restore point: its own files, and its content as far as it is asked for. Never throws for what is found.
 * @throws SendenseError `repository.key` where its key is missing: that is no fault of the disk
 */
export async function examineDisk(work: DiskToExamine): Promise<DiskVerdict> {
  const { root, context, disk, signal } = work;
  const image = join(context, disk.path);
  keyOf(work);
  const wrong = (code: Problem['code'], path: string, message: string): DiskVerdict => ({
    problem: { code, path, message },
    touched: false,
    bytesRead: 0,
  });
  const stray = strayFolder(root, image);
  if (stray !== null) return wrong('file.missing', image, stray);
  const info = await lstat(join(root, image), { bigint: true }).catch(() => null);
  if (!info) return wrong('file.missing', image, 'is missing');
  if (!info.isFile()) return wrong('file.missing', image, 'is not a regular file');
  if (info.size !== BigInt(disk.file_bytes))
    return wrong('file.changed', image, `has ${info.size} bytes, ${disk.file_bytes} were committed`);
  const touched = String(info.mtimeNs) !== disk.file_mtime_ns;
  const index = join(context, disk.index.path);
  const most = mostStoredIndexBytes(disk.capacity_bytes);
  const stored = await readIndex(join(root, index), most, signal).catch((error: NodeJS.ErrnoException) =>
    error.code === tooLong ? tooLong : null,
  );
  signal?.throwIfAborted();
  if (stored === null) return wrong('file.missing', index, 'is missing');
  if (stored === tooLong)
    return wrong(
      'index.damaged',
      index,
      `is longer than ${most} bytes, the most that the index of such a disk can have`,
    );
  const fault = await faultOfIndex(work, join(root, index), stored);
  if (fault !== null) return wrong('index.damaged', index, fault);
  const structure = await imageStructure(work);
  if (structure.fault !== null) return wrong('image.damaged', image, structure.fault);
  if (work.content === 'none') return { problem: null, touched, bytesRead: 0 };
  try {
    const { problem, bytesRead } =
      work.content === 'stored' ? await compareFile({ ...work, proven: structure.proven }) : await compareGuest(work);
    return { problem: problem && { path: image, ...problem }, touched, bytesRead };
  } catch (error) {
    signal?.throwIfAborted();
    return wrong('image.damaged', image, `cannot be compared: ${(error as Error).message}`);
  }
}

interface StoredIndex {
  readonly sha256: string;
  /** All of it, where it is small. */
  readonly bytes: Buffer | undefined;
}

async function readIndex(path: string, most: number, signal: AbortSignal | undefined): Promise<StoredIndex> {
  const bytes = await readSmall(path, smallBytes);
  if (bytes) return { sha256: hash('sha256', bytes), bytes };
  return { sha256: await sha256OfFile(path, signal, most), bytes: undefined };
}

/**
 * What is wrong with a block index. One that is as it was committed can still be useless, for what it is built on; one that is not may
 * have been given another form by a removal that is under way, and say the same.
 */
async function faultOfIndex(work: DiskToExamine, path: string, { sha256, bytes }: StoredIndex): Promise<string | null> {
  const { disk, content, signal, lookedAt } = work;
  const key = keyOf(work);
  if (sha256 !== disk.index.sha256)
    return (await saysTheSame(path, disk.digest, key, signal))
      ? null
      : `is damaged: its SHA-256 is ${sha256}, ${disk.index.sha256} was committed`;
  try {
    if ((await parentOfIndex(path, key, bytes)) === null) return null;
    // What it takes over was looked at with the restore points below.
    const verify = content === 'none' ? {} : ({ verify: 'own' } as const);
    await using index = await openIndex(path, { key, signal, bytes, shelf: lookedAt?.indexes, ...verify });
    return index.root === disk.digest ? null : `has digest ${index.root}, ${disk.digest} was committed`;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof SendenseError)) throw error;
    return `is damaged: ${error.message}`;
  }
}
