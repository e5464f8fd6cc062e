import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { faultOf } from './fault.ts';
import { persistently } from './persistently.ts';
import { snapshotDescription, snapshotName, type SnapshotMark } from './snapshot-mark.ts';
import { timesOf, type SnapshotWork } from './snapshot-work.ts';
import { lookAtVm, type VmSnapshot } from './vm-state.ts';
import { waitUntilIdle } from './wait-until-idle.ts';

const attempts = 3;

/**
 * One snapshot with this mark, without memory. Where the answer of vSphere gets lost, the snapshot that it made is found
 * by its mark: never a second one.
 * @throws SendenseError what vSphere said; the snapshot may be there all the same
 */
export async function createSnapshot(work: SnapshotWork, mark: SnapshotMark, quiesce: boolean): Promise<VmSnapshot> {
  const { vsphere, vm, signal } = work;
  for (let attempt = 1; ; attempt++) {
    await waitUntilIdle(work);
    try {
      await vsphere.task(
        'CreateSnapshot_Task',
        vm,
        [
          ['name', snapshotName(mark)],
          ['description', snapshotDescription(mark)],
          ['memory', false],
          ['quiesce', quiesce],
        ],
        { timeoutMs: timesOf(work).create, ...(signal && { signal }) },
      );
    } catch (error) {
      signal?.throwIfAborted();
      const fault = faultOf(error)?.name;
      if (fault !== undefined && (fault !== 'TaskInProgress' || attempt === attempts)) throw error;
      work.log(`making the snapshot: ${toSendenseError(error).message}; looking whether it is there`);
      const made = await persistently(work, 'looking for the snapshot', () => findOurs(work, mark));
      if (made) return made;
      if (attempt === attempts) throw error;
      continue;
    }
    const made = await persistently(work, 'looking for the snapshot', () => findOurs(work, mark));
    if (made) return made;
    throw new SendenseError('snapshot.failed', `vSphere says that it made ${snapshotName(mark)}, yet it is not there`);
  }
}

/** Looks when no task that might still make it runs. @throws SendenseError `snapshot.owned` */
async function findOurs(work: SnapshotWork, mark: SnapshotMark): Promise<VmSnapshot | undefined> {
  await waitUntilIdle(work);
  const { snapshots } = await lookAtVm(work.vsphere, work.vm, work.signal);
  const index = snapshots.findIndex((one) => one.mark?.job === mark.job && one.mark.node === mark.node);
  // Another node may have looked at the VM in the same moment as we did: who comes first goes on.
  const other = snapshots.slice(0, Math.max(index, 0)).find((one) => one.mark !== null);
  if (!other) return snapshots[index];
  throw new SendenseError(
    'snapshot.owned',
    `job ${other.mark?.job} of node ${other.mark?.node} was faster with its snapshot ${other.name}`,
  );
}
