import type { JobStatus } from '../../schemas/types.ts';

/** What changed since a job was looked at last. */
export interface JobNews {
  /** Bytes written to targets. */
  readonly bytes: number;
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
  const known = new Map<string, { readonly bytes: number; readonly ended: boolean }>();
  const note = (job: JobStatus): void =>
    void known.set(nameOf(job), { bytes: transferred(job), ended: job.finished !== null });
  for (const job of before) note(job);
  return {
    news: (job) => {
      const last = known.get(nameOf(job)) ?? { bytes: 0, ended: false };
      const bytes = Math.max(0, transferred(job) - last.bytes);
      const ended =
        job.finished === null || last.ended
          ? null
          : {
              status: job.status,
              code: job.error?.code ?? null,
              seconds: Math.max(0, job.finished - job.started) / 1000,
            };
      // A look that comes late must not take back what a later one saw.
      if (bytes > 0 || ended || !known.has(nameOf(job))) note(job);
      return { bytes, ended };
    },
    keep: (jobs) => {
      const names = new Set(jobs.map(nameOf));
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    },
  };
}

/** An id may come again once its job was removed. */
const nameOf = (job: JobStatus): string => `${job.job_id} ${job.started}`;

const transferred = (job: JobStatus): number => job.disks.reduce((sum, disk) => sum + disk.bytes_transferred, 0);
