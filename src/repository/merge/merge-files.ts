import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from '../../schemas/types.ts';
import { readIntent, type MergeChild, type MergeDisk } from './intent.ts';

/** What tells a file from another version of it. */
export interface FileFacts {
  readonly file_bytes: number;
  readonly file_mtime_ns: string;
}

/** Null: there is no regular file of that name. */
export async function factsOf(path: string): Promise<FileFacts | null> {
  const info = await lstat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  return info?.isFile() ? { file_bytes: Number(info.size), file_mtime_ns: String(info.mtimeNs) } : null;
}

export const sameFacts = (a: FileFacts | null, b: FileFacts | null): boolean =>
  a !== null && b !== null && a.file_bytes === b.file_bytes && a.file_mtime_ns === b.file_mtime_ns;

/**
 * Whether a file that is not as the database says is as a merge under way has left it: merged, and not yet recorded.
 * @param root of the repository
 */
export async function isMerged(
  root: string,
  disk: { readonly backupId: string; readonly number: number; readonly path: string },
): Promise<boolean> {
  const context = dirname(dirname(disk.path));
  const intent = await readIntent(root, context, disk.backupId).catch(() => null);
  const merged = intent?.child?.disks.find(({ number }) => number === disk.number);
  return merged?.after != null && sameFacts(await factsOf(join(root, disk.path)), merged.after);
}

/** What a manifest says of the files of a disk once they are merged. */
export function filesAfter(
  { index }: Manifest['disks'][number],
  { index: merged, ...image }: NonNullable<MergeDisk['after']>,
): Pick<Manifest['disks'][number], 'file_bytes' | 'file_mtime_ns' | 'envelope' | 'index'> {
  return { ...image, index: merged ? { ...index, bytes: merged.bytes, sha256: merged.sha256 } : index };
}

/** The manifest of a kept restore point as it counts while it is merged with what it was built on. */
export function withMerge(manifest: Manifest, child: MergeChild | null | undefined): Manifest {
  if (child?.backup_id !== manifest.backup_id) return manifest;
  if (child.manifest?.checksum === manifest.checksum) return manifest;
  const disks = manifest.disks.map((disk) => {
    const merge = child.disks.find(({ number }) => number === disk.number);
    return merge ? { ...disk, parent: merge.parent } : disk;
  });
  return { ...manifest, disks: disks as Manifest['disks'] };
}

/** As {@link withMerge}, with the facts of each file that is merged and has its name already. */
export async function asItStands(root: string, manifest: Manifest, child: MergeChild): Promise<Manifest> {
  const disks: Manifest['disks'][number][] = [];
  for (const disk of manifest.disks) {
    const merge = child.disks.find(({ number }) => number === disk.number);
    const merged =
      merge?.after != null && sameFacts(await factsOf(join(root, manifest.vm.context, disk.path)), merge.after)
        ? { ...filesAfter(disk, merge.after), parent: merge.parent }
        : {};
    disks.push({ ...disk, ...merged });
  }
  return { ...manifest, disks: disks as Manifest['disks'] };
}
