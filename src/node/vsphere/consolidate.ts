import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { timesOf, type SnapshotWork } from './snapshot-work.ts';
import { lookAtVm } from './vm-state.ts';
import { waitUntilIdle } from './wait-until-idle.ts';

/**
 * Merges what vSphere left of removed snapshots, where it says that this is needed.
 * @throws SendenseError `snapshot.consolidation` where it is still needed afterwards, `vsphere.busy`
 */
export async function consolidate(work: SnapshotWork): Promise<void> {
  const { vsphere, vm, signal } = work;
  await waitUntilIdle(work);
  const { name, consolidationNeeded } = await lookAtVm(vsphere, vm, signal);
  if (!consolidationNeeded) return;
  work.log(`disks of ${name} need consolidation: starting it`);
  let cause: unknown;
  try {
    await vsphere.task('ConsolidateVMDisks_Task', vm, [], {
      ...(signal && { signal }),
      timeoutMs: timesOf(work).remove,
    });
  } catch (error) {
    signal?.throwIfAborted();
    cause = error;
  }
  await waitUntilIdle(work);
  if (!(await lookAtVm(vsphere, vm, signal)).consolidationNeeded) return;
  throw new SendenseError(
    'snapshot.consolidation',
    `disks of ${name} still need consolidation${cause === undefined ? '' : `: ${toSendenseError(cause).message}`}`,
    { cause },
  );
}
