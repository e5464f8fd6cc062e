import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { foreignHeader } from '../host/images/foreign-header.ts';
import { readQcow2Header } from '../host/images/qcow2-header.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import type { DiskEncryption } from './image-keys.ts';
import { indexFault } from './index-chain.ts';
import { foreignImage } from './own-image.ts';
import { readIntent } from './merge/intent.ts';
import { isMerged } from './merge/merge-files.ts';
import { strayFolder } from './stray-folder.ts';

/** One disk of one committed restore point, as the database or a manifest records it. Sizes in bytes. */
export interface StoredDisk {
  readonly backupId: string;
  readonly number: number;
  readonly uuid: string;
  readonly capacity: number;
  /** Relative to the repository. */
  readonly path: string;
  readonly indexPath: string;
  readonly indexSha256: string;
  readonly fileBytes: number;
  readonly fileMtimeNs: string;
  readonly digest: string;
  readonly changeId: string | null;
  readonly parent: string | null;
  readonly encryption?: DiskEncryption | null | undefined;
}

/**
 * `sound`: every file is as it was committed. `touched`: sizes fit but a time does not (a copied repository, or a file
 * that somebody wrote to): the content must be compared. `broken`: the reason.
 */
export type ChainVerdict =
  | { readonly verdict: 'sound' }
  | { readonly verdict: 'touched'; readonly paths: readonly string[] }
  | { readonly verdict: 'broken'; readonly reason: string };

export interface VerifyChainOptions {
  /** Of the chain, where it is encrypted. */
  readonly key?: ImageKey | null;
  /** Whether the newest block index is looked at, with what it is built on. Default: true. */
  readonly index?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Looks at the files of a chain without reading their content: names, kinds, sizes, times, and the newest block index. */
export async function verifyChain(
  repository: string,
  chain: readonly StoredDisk[],
  { key = null, index = true, signal }: VerifyChainOptions = {},
): Promise<ChainVerdict> {
  const touched: string[] = [];
  for (const disk of chain) {
    signal?.throwIfAborted();
    const path = join(repository, disk.path);
    const info = await lstat(path, { bigint: true }).catch(
      (error: NodeJS.ErrnoException) => error.code ?? 'unreadable',
    );
    if (typeof info === 'string')
      return broken(`${disk.path} ${info === 'ENOENT' ? 'is missing' : `cannot be read (${info})`}`);
    if (!info.isFile()) return broken(`${disk.path} is not a regular file`);
    const asCommitted = info.size === BigInt(disk.fileBytes) && String(info.mtimeNs) === disk.fileMtimeNs;
    if (!asCommitted && !(await isMerged(repository, disk))) {
      if (info.size !== BigInt(disk.fileBytes))
        return broken(`${disk.path} has ${info.size} bytes, ${disk.fileBytes} were committed`);
      touched.push(disk.path);
    }
    const foreign = await foreignStored(repository, disk).catch(
      (error: NodeJS.ErrnoException) => `cannot be read (${error.code})`,
    );
    if (foreign !== null) return broken(`${disk.path} ${foreign}`);
  }
  const fault = index ? await indexFault(repository, chain, key, signal) : null;
  if (fault !== null) return broken(fault);
  return touched.length > 0 ? { verdict: 'touched', paths: touched } : { verdict: 'sound' };
}

/**
 * While a removal is not finished, its file may still be built on what goes, or already on what is below that. Where nobody can read
 * what the removal is about it may be on any image beside it, for restores go on.
 */
async function foreignStored(repository: string, disk: StoredDisk): Promise<string | null> {
  const file = join(repository, disk.path);
  const stray = strayFolder(repository, disk.path);
  if (stray !== null) return stray;
  const foreign = await foreignImage(file, disk.parent);
  if (foreign === null) return null;
  const intent = await readIntent(repository, dirname(dirname(disk.path)), disk.backupId).catch(
    () => 'damaged' as const,
  );
  if (intent === 'damaged') return foreignHeader(await readQcow2Header(file));
  const merge = intent?.child?.disks.find(({ number }) => number === disk.number);
  const above = merge?.run[0];
  return merge && above ? foreignImage(file, disk.parent, above.backup_id, merge.parent) : foreign;
}

/** Whether each file of a chain has the size and the time that is known of it. */
export async function filesFit(repository: string, chain: readonly StoredDisk[]): Promise<boolean> {
  for (const disk of chain) {
    const info = await lstat(join(repository, disk.path), { bigint: true }).catch(() => null);
    if (info?.size !== BigInt(disk.fileBytes) || String(info.mtimeNs) !== disk.fileMtimeNs) return false;
  }
  return true;
}

const broken = (reason: string): ChainVerdict => ({ verdict: 'broken', reason });
