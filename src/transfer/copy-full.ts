import { createAllocationMap } from '../blocks/allocation-map.ts';
import { digestExport } from '../blocks/digest-export.ts';
import { connectNbd } from '../host/nbd/nbd-client.ts';
import { nbdCopy } from '../host/nbd/nbdcopy.ts';
import { startCopyMeter } from '../host/nbd/copy-meter.ts';
import { copyOnce, readsOnce } from './copy-once.ts';
import { digestChangeId } from './disk-jobs.ts';
import { together } from './together.ts';
import { toolTarget } from '../host/nbd/tool-target.ts';
import type { Copied, DiskContext } from './disk-context.ts';

/**
 * Copies everything but what reads as zeros, which the fresh target does already, and digests the same source meanwhile.
 * Bytes transferred are what was written in one pass, else what the source does not report as zeros: nbdcopy skips zeros
 * inside that too, so it is an upper bound.
 */
export async function copyFull(context: DiskContext): Promise<Copied> {
  const { disk, capacity, job, tuning, report, indexPath } = context;
  const targetHoldsData = await holdsData(context);
  // Before reading: the change id must not be later than the content.
  const changes = await disk.changes(capacity, null);
  if (readsOnce(context)) {
    const allocated = (await disk.allocated?.(capacity)) ?? null;
    return copyOnce(context, changes, { write: targetHoldsData ? 'all' : 'data', allocated });
  }
  await using to = await toolTarget(job.target, context.link.psk, `${context.socketFolder}/key-${job.key}`);
  report({ phase: 'copying', bytes_total: capacity });
  let copying = true;
  using meter = startCopyMeter({
    bytesRead: () => disk.bytesRead(),
    total: capacity,
    report: (bytes) => void (copying && report({ bytes_done: bytes })),
  });
  const [, digested] = await together(context.signal, [
    async (signal) => {
      await nbdCopy({
        from: disk.uri,
        to: to.uri,
        ...tuning,
        requestSize: 1024 * 1024,
        writeZeroesExplicitly: false,
        targetHoldsData,
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
        store: job.store,
        signal,
        onProgress: (done) => {
          if (!copying) report({ bytes_done: done });
          else if (disk.rawFile === undefined) meter.digested(done);
        },
      }),
  ]);
  return {
    bytesTransferred: digested.bytesRead,
    bytesRead: digested.bytesRead,
    bytesSent: digested.bytesData,
    changeId: changes?.changeId ?? digestChangeId(digested.root),
    root: digested.root,
    indexBytes: digested.indexBytes,
    indexSha256: digested.indexSha256,
  };
}

/** A fresh target reads as zeros, and zeros need not be written; one that an attempt before left half-written would keep its data. */
async function holdsData({ job, capacity, link, onLink, signal }: DiskContext): Promise<boolean> {
  await using client = await connectNbd(job.target, { ...link, onLink, signal });
  const data = await createAllocationMap(client).dataWithin([{ offset: 0, length: capacity }], capacity);
  return data.length > 0;
}
