import type { JobDisk, RestoredVm } from '../schemas/types.ts';
import type { JobPlace } from './open-source.ts';

/** What the work of a job acts with that opens no source: the status of the job, as its hub sees it. */
export interface WorkPlace extends JobPlace {
  /** Changes what is known of a disk. */
  disk(key: string, facts: Partial<Omit<JobDisk, 'key'>>): void;
  /** The VM that is being made. */
  restored(vm: RestoredVm): void;
}
