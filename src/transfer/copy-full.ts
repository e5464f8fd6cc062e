import { digestExport } from '../blocks/digest-export.ts';
import { nbdCopy } from '../host/nbdcopy.ts';
import { digestChangeId } from './disk-jobs.ts';
import { together } from './together.ts';
import type { Copied, DiskContext } from './transfer-disk.ts';

/**
 * Copies everything but what reads as zeros, which the fresh target does already, and digests the same source meanwhile.
 * Bytes transferred are what the source does not report as zeros: nbdcopy skips zeros inside that too, so it is an upper bound.
 */
export async function copyFull(context: DiskContext): Promise<Copied> {
  const { disk, capacity, job, tuning, report, indexPath } = context;
  report({ phase: 'copying', bytes_total: capacity });
  let copying = true;
  const [, digested, changes] = await together(context.signal, [
    async (signal) => {
      await nbdCopy({
        from: disk.uri,
        to: job.target,
        ...tuning,
        requestSize: 1024 * 1024,
        writeZeroesExplicitly: false,
        signal,
        onProgress: (fraction) =>
          fraction < 1
            ? report({ bytes_done: Math.trunc(fraction * capacity) })
            : report({ phase: 'flushing', bytes_total: capacity, bytes_done: capacity }),
      });
      copying = false;
      report({ phase: 'digesting', bytes_total: capacity });
    },
    (signal) =>
      digestExport({
        uri: disk.uri,
        indexPath,
        signal,
        onProgress: (done) => void (copying || report({ bytes_done: done })),
      }),
    () => disk.changes(capacity),
  ]);
  return {
    bytesTransferred: digested.bytesRead,
    changeId: changes?.changeId ?? digestChangeId(digested.root),
    root: digested.root,
    indexBytes: digested.indexBytes,
    indexSha256: digested.indexSha256,
  };
}
