import type { WorkPlace } from '../sources/job-work.ts';
import { inJobFrame, waitingDisk, type JobHow } from './job-frame.ts';

export interface WorkFacts {
  readonly jobId: string;
  readonly vmName: string;
  /** Of the disks that it works on. */
  readonly keys: readonly string[];
}

/** Runs a job whose work opens no source. Ends with the final status written, and throws what the work failed with. */
export async function runWork(
  how: JobHow,
  { jobId, vmName, keys }: WorkFacts,
  work: (place: WorkPlace) => Promise<void>,
): Promise<void> {
  const disks = keys.map((key) => waitingDisk(key));
  await inJobFrame(how, { jobId, vmName, disks }, async ({ place, log, status }) => {
    log.write('info', 'job started', { job_id: jobId, vm_name: vmName, disks: keys });
    how.signal.throwIfAborted();
    await work({
      ...place,
      disk: (key, facts) => {
        status.disk(key, facts);
        if (facts.phase) log.write('info', `disk ${key}: ${facts.phase}`, facts);
      },
      restored: (vm) => status.job({ restored_vm: vm }),
    });
  });
}
