import type { DiskContext, Copied } from './disk-context.ts';
import { SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import { copyByAreas } from './copy-areas.ts';
import { copyByDigest } from './copy-digest.ts';
import { copyFull } from './copy-full.ts';
import type { DiskJob } from './disk-jobs.ts';
import { exportSize } from './export-size.ts';
import { previousIndexOf } from './previous-index.ts';
import type { OpenDisk, OpenSource } from '../sources/open-source.ts';
import { together } from './together.ts';

export type TransferOptions = Pick<
  DiskContext,
  'job' | 'socketFolder' | 'tuning' | 'limit' | 'link' | 'onLink' | 'report' | 'signal'
> & {
  readonly source: OpenSource;
  readonly jobFolder: string;
  warn(message: string): void;
};

/** Moves one disk and makes its block index. @throws SendenseError whose message names the disk */
export async function transferDisk(options: TransferOptions): Promise<void> {
  const { job, report, signal } = options;
  try {
    report({ phase: 'opening' });
    const copied = await transfer(options);
    report({
      phase: 'done',
      change_id: copied.changeId,
      digest: copied.root,
      index_bytes: copied.indexBytes,
      index_sha256: copied.indexSha256,
      bytes_read: copied.bytesRead,
      bytes_sent: copied.bytesSent,
      bytes_transferred: copied.bytesTransferred,
      bytes_done: copied.bytesTransferred,
      bytes_total: copied.bytesTransferred,
    });
  } catch (cause) {
    const error = named(job, cause);
    report(signal.aborted ? { phase: 'cancelled' } : { phase: 'failed', error: error.message });
    throw error;
  }
}

async function transfer(options: TransferOptions): Promise<Copied> {
  const { job, signal } = options;
  await using disk = await options.source.disk(job.key, signal);
  for (const warning of disk.warnings) options.warn(`disk ${job.key}: ${warning}`);
  try {
    const copied = await copy(options, disk);
    await disk.assertUnchanged(copied.readOnce ? copied.bytesRead : undefined);
    return copied;
  } catch (cause) {
    throw await explained(disk, cause, signal);
  }
}

async function copy(options: TransferOptions, disk: OpenDisk): Promise<Copied> {
  const { job, report, signal } = options;
  const [capacity, previous] = await together(signal, [
    (inner) => agreedSize(disk.uri, options, inner),
    () => previousIndexOf(options.jobFolder, job),
  ]);
  report({ capacity_bytes: capacity });
  if (previous && previous.capacity !== capacity) {
    throw new SendenseError(
      'job.failed',
      `the previous block index is of a disk of ${previous.capacity} bytes; this one has ${capacity}`,
    );
  }
  return methods[job.method]({
    ...options,
    disk,
    capacity,
    previous,
    indexPath: `${options.jobFolder}/${job.key}.index`,
  });
}

/** How long a source may take to tell what has become of a disk. */
const mostToTellMs = 10_000;

/** A source that knows why a read failed says it better than the NBD connection that broke. */
async function explained(disk: OpenDisk, cause: unknown, signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return cause;
  const why = disk.lastError?.() ?? null;
  const fault = disk.lastFault?.() ?? null;
  if (fault) return fault;
  const { code, message } = toSendenseError(cause);
  if ((code !== 'nbd.lost' && code !== 'tool.failed') || message.startsWith('the target')) return cause;
  const lost = await disk.lost?.(AbortSignal.any([signal, AbortSignal.timeout(mostToTellMs)]));
  if (lost) return lost;
  return why === null ? cause : new SendenseError('transport.failed', why, { cause });
}

const methods = { full: copyFull, areas: copyByAreas, digest: copyByDigest };

/** The size of source and target, which must be the same. */
async function agreedSize(
  source: string,
  { job: { target }, link, onLink }: Pick<DiskContext, 'job' | 'link' | 'onLink'>,
  signal: AbortSignal,
): Promise<number> {
  const [capacity, room] = await together(signal, [
    (inner) => exportSize(source, { signal: inner }),
    (inner) =>
      exportSize(target, { ...link, onLink, signal: inner }).catch((cause: unknown) => {
        inner.throwIfAborted();
        const { code, message } = toSendenseError(cause);
        if (code === 'tool.missing' || code === 'nbd.encryption') throw cause;
        throw new SendenseError('job.failed', `the target ${target} cannot be reached: ${message}`, { cause });
      }),
  ]);
  if (capacity === room) return capacity;
  throw new SendenseError(
    'job.failed',
    `the source has ${capacity} bytes and the target ${target} has ${room}; they must be equal`,
  );
}

/** The same error with the disk in front of its message; what only broke because something else did is passed on as it is. */
function named(job: DiskJob, cause: unknown): SendenseError {
  const { code, message, remedy, details } = toSendenseError(cause);
  const prefix = `disk ${job.key}: `;
  if (code === 'job.cancelled' || code === 'job.abandoned' || message.startsWith('disk '))
    return toSendenseError(cause);
  return new SendenseError(code === 'tool.failed' ? 'job.failed' : code, prefix + message, {
    cause,
    remedy,
    ...(details ? { details } : {}),
  });
}
