import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { openIndex } from '../blocks/block-index.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import type { DiskJob } from './disk-jobs.ts';

/** The block index of the restore point that an incremental builds on. */
export interface PreviousIndex {
  readonly path: string;
  /** Bytes of the disk that it describes. */
  readonly capacity: number;
  /** `sha256:…` */
  readonly root: string;
}

/**
 * Takes the previous index from `<sha256>.previous` in the job's folder; null where the job names none. It is read whole
 * and must be the file that the request names: what it wrongly calls unchanged would be missing from the backup.
 * @throws SendenseError `job.failed`
 */
export async function previousIndexOf(jobFolder: string, job: DiskJob): Promise<PreviousIndex | null> {
  if (job.previousIndex === null) return null;
  const path = `${jobFolder}/${job.previousIndex}.previous`;
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  } catch (cause) {
    throw new SendenseError(
      'job.failed',
      `the previous block index ${job.previousIndex} is not there: ${(cause as Error).message}`,
      { cause },
    );
  }
  const found = hash.digest('hex');
  if (found !== job.previousIndex)
    throw new SendenseError('job.failed', `the previous block index ${path} has the SHA-256 ${found}`);
  await using index = await openIndex(path);
  return { path, capacity: index.capacity, root: index.root };
}
