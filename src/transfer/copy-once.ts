import { copyExport, type CopyExportOptions } from '../blocks/copy-export.ts';
import { alignTo, totalLength } from '../blocks/extents.ts';
import { blockBytes } from './copy-extents.ts';
import { digestChangeId } from './disk-jobs.ts';
import type { TransferChanges } from './source.ts';
import type { Copied, DiskContext } from './transfer-disk.ts';

/** qemu-nbd takes 10 connections to the target, and something may be left of an attempt before. */
const mostConnections = 8;

/**
 * Whether the disk is copied in one pass in which this process reads, hashes and writes. Otherwise nbdcopy copies while
 * the digest reads the same bytes out of the page cache, which is faster for disks of this machine.
 */
export const readsOnce = ({ disk, limit }: DiskContext): boolean => disk.readOnce === true || limit !== null;

type What = Pick<CopyExportOptions, 'write' | 'areas' | 'base' | 'compareWith' | 'allocated'>;

/** Copies in one pass. `changes` says the landmark of what is read; without one it is the digest of the content. */
export async function copyOnce(context: DiskContext, changes: TransferChanges | null, what: What): Promise<Copied> {
  const { disk, capacity, job, limit, report, indexPath, signal } = context;
  const known = what.allocated ? totalLength(alignTo(what.allocated, blockBytes, capacity)) : null;
  report({
    phase: 'copying',
    bytes_total: known ?? (what.base === undefined ? capacity : totalLength(what.areas ?? [])),
  });
  const copied = await copyExport({
    ...what,
    from: disk.uri,
    file: disk.rawFile,
    to: job.target,
    indexPath,
    connections: Math.min(disk.connections ?? 3, mostConnections),
    requestBytes: disk.requestBytes,
    ...limit,
    signal,
    onProgress: (done, total, read) =>
      report(known === null ? { bytes_done: done, bytes_total: total } : { bytes_done: read }),
  });
  return {
    bytesTransferred: copied.bytesWritten,
    changeId: changes?.changeId ?? digestChangeId(copied.root),
    root: copied.root,
    indexBytes: copied.indexBytes,
    indexSha256: copied.indexSha256,
  };
}
