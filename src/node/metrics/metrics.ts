import type { ApiFigures } from '../../api/figures.ts';
import type { JobStatus, LinkStatus } from '../../schemas/types.ts';

/** What `GET /metrics` tells (docs/node-api.md). Labels take few values: no job, VM or path is one. */
export interface Metrics extends ApiFigures {
  /** A look at a job, for what it moved and how it ended. */
  job(job: JobStatus): void;
  /** Prometheus' text form. `jobs`: all of them, as they are now. */
  text(now: { readonly jobs: readonly JobStatus[]; readonly tunnel: LinkStatus | null }): Promise<string>;
  readonly contentType: string;
}

/** For a node that lives as long as one run: nobody asks it, and the library costs its start. */
export const noMetrics: Metrics = {
  request: () => {},
  error: () => {},
  job: () => {},
  text: () => Promise.resolve(''),
  contentType: 'text/plain',
};
