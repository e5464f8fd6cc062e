import type { JobStatus } from '../../schemas/types.ts';

/** Bytes. */
export interface MovedBytes {
  readonly transferred: number;
  readonly read: number;
  readonly sent: number;
}

/** What changed since a job was looked at last. */
export interface JobNews {
  /** What the changes of the disks cover, what was read of them, and what was sent. */
  readonly moved: MovedBytes;
  /** The job has ended since then, so many seconds after its start. */
  readonly ended: {
    readonly status: JobStatus['status'];
    readonly code: string | null;
    readonly seconds: number;
  } | null;
}

/**
 * Makes counters of what jobs say about themselves: each byte and each end counts once, however often the job is looked at.
 * Jobs that were there before this process count from where they were, or a restart would count them twice.
 */
export function createJobFigures(before: readonly JobStatus[]): {
  news(job: JobStatus): JobNews;
  /** These jobs are all that there are. */
  keep(jobs: readonly JobStatus[]): void;
} {
  const known = new Map<string, { readonly moved: MovedBytes; readonly ended: boolean }>();
  const note = (job: JobStatus): void =>
    void known.set(nameOf(job), { moved: movedBy(job), ended: job.finished !== null });
  for (const job of before) note(job);
  return {
    news: (job) => {
      const last = known.get(nameOf(job)) ?? { moved: nothing, ended: false };
      const moved = since(last.moved, movedBy(job));
      const ended =
        job.finished === null || last.ended
          ? null
          : {
              status: job.status,
              code: job.error?.code ?? null,
              seconds: Math.max(0, job.finished - job.started) / 1000,
            };
      // A look that comes late must not take back what a later one saw.
      if (Object.values(moved).some((bytes) => bytes > 0) || ended || !known.has(nameOf(job))) note(job);
      return { moved, ended };
    },
    keep: (jobs) => {
      const names = new Set(jobs.map(nameOf));
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    },
  };
}

/** An id may come again once its job was removed. */
const nameOf = (job: JobStatus): string => `${job.job_id} ${job.started}`;

const nothing: MovedBytes = { transferred: 0, read: 0, sent: 0 };

const movedBy = ({ disks }: JobStatus): MovedBytes => ({
  transferred: disks.reduce((sum, disk) => sum + disk.bytes_transferred, 0),
  read: disks.reduce((sum, disk) => sum + (disk.bytes_read ?? 0), 0),
  sent: disks.reduce((sum, disk) => sum + (disk.bytes_sent ?? 0), 0),
});

const since = (before: MovedBytes, now: MovedBytes): MovedBytes => ({
  transferred: Math.max(0, now.transferred - before.transferred),
  read: Math.max(0, now.read - before.read),
  sent: Math.max(0, now.sent - before.sent),
});
