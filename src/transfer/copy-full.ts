import { digestExport } from '../blocks/digest-export.ts';
import { nbdCopy } from '../host/nbdcopy.ts';
import { startCopyMeter } from './copy-meter.ts';
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
  using meter = startCopyMeter({
    bytesRead: () => disk.bytesRead(),
    total: capacity,
    report: (bytes) => void (copying && report({ bytes_done: bytes })),
  });
  const [, digested, changes] = await together(context.signal, [
    async (signal) => {
      await nbdCopy({
        from: disk.uri,
        to: job.target,
        ...tuning,
        requestSize: 1024 * 1024,
        writeZeroesExplicitly: false,
        signal,
        onProgress: (fraction) => meter.copied(Math.trunc(fraction * capacity)),
      });
      copying = false;
      report({ phase: 'digesting', bytes_total: capacity });
    },
    (signal) =>
      digestExport({
        uri: disk.uri,
        file: disk.rawFile,
        indexPath,
        signal,
        onProgress: (done) => {
          if (!copying) report({ bytes_done: done });
          else if (disk.rawFile === undefined) meter.digested(done);
        },
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
