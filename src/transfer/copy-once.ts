import { copyExport, type CopyExportOptions } from '../blocks/copy-export.ts';
import { alignTo, totalLength } from '../blocks/extents.ts';
import { blockBytes } from './copy-extents.ts';
import { digestChangeId } from './disk-jobs.ts';
import type { DiskChanges } from '../sources/open-source.ts';
import type { Copied, DiskContext } from './disk-context.ts';

/** qemu-nbd takes 10 connections to the target by default, and something may be left of an attempt before. */
const mostConnections = 8;

/**
 * Whether the disk is copied in one pass in which this process reads, hashes and writes. Otherwise nbdcopy copies while
 * the digest reads the same bytes out of the page cache, which is faster for disks of this machine; but nbdcopy does not
 * outlive a break of the connection.
 */
export const readsOnce = ({ disk, limit, link }: DiskContext): boolean =>
  disk.readOnce === true || limit !== null || (link.reconnectMs ?? 0) > 0;

type What = Pick<CopyExportOptions, 'write' | 'areas' | 'base' | 'compareWith' | 'allocated'>;

/** Copies in one pass. `changes` says the change id of what is read; without one it is the digest of the content. */
export async function copyOnce(context: DiskContext, changes: DiskChanges | null, what: What): Promise<Copied> {
  const { disk, capacity, job, limit, link, onLink, tuning, report, indexPath, signal } = context;
  // Over a link as many writers as are asked for: each moves no more than its window in a round trip.
  const usual = (link.reconnectMs ?? 0) > 0 ? tuning.connections + 1 : 3;
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
    link,
    onLink,
    indexPath,
    store: job.store,
    connections: Math.min(disk.connections ?? usual, mostConnections),
    requestBytes: disk.requestBytes,
    ...limit,
    signal,
    onProgress: (done, total, read) =>
      report(known === null ? { bytes_done: done, bytes_total: total } : { bytes_done: read }),
  });
  return {
    bytesTransferred: copied.bytesWritten,
    bytesRead: copied.bytesRead,
    readOnce: true,
    bytesSent: copied.bytesSent,
    changeId: changes?.changeId ?? digestChangeId(copied.root),
    root: copied.root,
    indexBytes: copied.indexBytes,
    indexSha256: copied.indexSha256,
  };
}
