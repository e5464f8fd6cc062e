import { digestExport } from '../blocks/digest-export.ts';
import { alignTo, totalLength } from '../blocks/extents.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { copyByDigest } from './copy-digest.ts';
import { blockBytes, copyExtents } from './copy-extents.ts';
import { copyOnce, readsOnce } from './copy-once.ts';
import { dataWithin } from './data-within.ts';
import type { DiskChanges } from '../sources/open-source.ts';
import { together } from './together.ts';
import type { Copied, DiskContext } from './disk-context.ts';

/** Copies what the source says changed since the previous change id; falls back to digests where it counts from another. */
export async function copyByAreas(context: DiskContext): Promise<Copied> {
  const { disk, capacity, job, previous, report, indexPath } = context;
  const changes = await disk.changes(capacity, job.previousChangeId);
  if (!changes || changes.since !== job.previousChangeId) return withoutAreas(context, changes);
  const areas = alignTo(changes.areas, blockBytes, capacity);
  if (readsOnce(context)) return copyOnce(context, changes, { write: 'all', areas, base: previous?.path });
  const bytes = totalLength(areas);
  report({ phase: 'copying', bytes_total: bytes });
  let copying = true;
  const onProgress = (done: number, total: number): void =>
    void (copying || report({ bytes_done: done, bytes_total: total }));
  const [, digested] = await together(context.signal, [
    async (signal) => {
      await copyExtents(context, areas, signal);
      copying = false;
      report({ phase: 'digesting' });
    },
    // Without the previous index every block has to be read: the new one covers the whole disk.
    (signal) =>
      digestExport({
        uri: disk.uri,
        file: disk.rawFile,
        indexPath,
        store: job.store,
        ...(previous ? { base: previous.path, areas } : {}),
        signal,
        onProgress,
      }),
  ]);
  return {
    bytesTransferred: bytes,
    bytesRead: digested.bytesRead,
    // With a previous index nothing else was read.
    bytesSent: previous ? digested.bytesRead : await dataWithin(disk.uri, areas, context.signal),
    changeId: changes.changeId,
    root: digested.root,
    indexBytes: digested.indexBytes,
    indexSha256: digested.indexSha256,
  };
}

async function withoutAreas(context: DiskContext, changes: DiskChanges | null): Promise<Copied> {
  const { job, report } = context;
  const why = whyNotAreas(changes, job.previousChangeId);
  if (!context.previous)
    throw new SendenseError('job.failed', `${why}, and there is no previous block index to compare with`);
  report({ method: 'digest', reason: `compared by digest: ${why}` });
  return copyByDigest(context, changes);
}

function whyNotAreas(changes: DiskChanges | null, previous: string | null): string {
  if (!changes) return 'the source does not say what changed';
  if (changes.reason !== undefined) return changes.reason;
  return `the source's changes count from ${changes.since ?? 'nothing'}, the parent is at ${previous ?? 'nothing'}`;
}
