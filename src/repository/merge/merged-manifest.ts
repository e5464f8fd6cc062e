import type { Manifest } from '../../schemas/types.ts';
import { manifestChecksum } from '../manifest.ts';
import type { MergeChild, MergeDisk } from './intent.ts';
import { filesAfter } from './merge-files.ts';

type Disk = Manifest['disks'][number];

/** The manifest of a restore point after it was merged: what it shows is the same, how it is stored is not. */
export function mergedManifest(manifest: Manifest, child: MergeChild): Manifest {
  const disks = manifest.disks.map((disk) => {
    const merge = child.disks.find(({ number }) => number === disk.number);
    return merge ? mergedDisk(disk, merge) : disk;
  });
  const content = {
    ...manifest,
    kind: disks.every(({ mode }) => mode === 'full') ? ('full' as const) : ('incremental' as const),
    parent: child.parent,
    disks: disks as Manifest['disks'],
  };
  return { ...content, checksum: manifestChecksum(content) };
}

function mergedDisk(disk: Disk, { parent, run, after, before }: MergeDisk): Disk {
  const reason = `${disk.reason.replace(/; merged with .*$/, '')}; merged with ${run.at(-1)?.backup_id}${run.length > 1 ? ` and ${run.length - 1} more` : ''}`;
  const { file_bytes: bytes = disk.file_bytes } = after ?? {};
  return {
    ...disk,
    ...(after ? filesAfter(disk, after) : {}),
    ...(parent === null ? { mode: 'full' as const, method: 'full' as const } : {}),
    reason,
    parent,
    // What a merge adds is stored as it is.
    ...(disk.compression
      ? {
          compression: {
            ...disk.compression,
            plain_bytes: disk.compression.plain_bytes + Math.max(0, bytes - before.file_bytes),
          },
        }
      : {}),
  };
}
