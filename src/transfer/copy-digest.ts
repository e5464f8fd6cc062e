import { digestExport } from '../blocks/digest-export.ts';
import { alignTo, totalLength } from '../blocks/extents.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { blockBytes, copyExtents } from './copy-extents.ts';
import { copyOnce, readsOnce } from './copy-once.ts';
import { dataWithin } from './data-within.ts';
import { digestChangeId } from './disk-jobs.ts';
import type { DiskChanges } from '../sources/open-source.ts';
import type { Copied, DiskContext } from './disk-context.ts';

/**
 * Reads the disk and copies the blocks whose digest is not that of the previous index. `known` is what the source said of
 * its changes, where it was asked already: the change id must not be later than the content.
 */
export async function copyByDigest(context: DiskContext, known?: DiskChanges | null): Promise<Copied> {
  const { disk, capacity, job, previous, report, indexPath, signal } = context;
  if (!previous) throw new SendenseError('job.failed', 'method digest needs the previous block index');
  if (job.previousChangeId?.startsWith('digest:') && job.previousChangeId !== digestChangeId(previous.root)) {
    throw new SendenseError(
      'job.failed',
      `the previous change id is ${job.previousChangeId}, but the previous block index has the root ${previous.root}`,
    );
  }
  const changes = known === undefined ? await disk.changes(capacity, null) : known;
  if (readsOnce(context)) return copyOnce(context, changes, { write: 'changed', compareWith: previous.path });
  report({ phase: 'digesting', bytes_total: capacity });
  const digested = await digestExport({
    uri: disk.uri,
    file: disk.rawFile,
    indexPath,
    store: job.store,
    compareWith: previous.path,
    signal,
    onProgress: (done) => report({ bytes_done: done }),
  });
  if (!digested.changed) throw new SendenseError('run.internal', 'a comparison gave no list of changes');
  const changed = alignTo(digested.changed, blockBytes, capacity);
  const bytes = totalLength(changed);
  report({ phase: 'copying', bytes_total: bytes });
  await copyExtents(context, changed, signal);
  return {
    bytesTransferred: bytes,
    bytesRead: digested.bytesRead,
    bytesSent: await dataWithin(disk.uri, changed, signal),
    changeId: changes?.changeId ?? digestChangeId(digested.root),
    root: digested.root,
    indexBytes: digested.indexBytes,
    indexSha256: digested.indexSha256,
  };
}
