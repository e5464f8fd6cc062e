import { SendenseError } from '../../errors/sendense-error.ts';
import { removeOurs } from './remove-snapshot.ts';
import type { SnapshotMark } from './snapshot-mark.ts';
import type { SnapshotWork } from './snapshot-work.ts';
import { lookAtVm } from './vm-state.ts';

/** After this long another node's snapshot is a left-over: no node of ours can say whether its job still lives. */
const othersAreOldAfter = 72 * 3_600_000;

/**
 * Removes what earlier jobs left on the VM.
 * @throws SendenseError `snapshot.owned` where a job still works with one of ours, `snapshot.left`
 */
export async function clearLeftOvers(
  work: SnapshotWork,
  own: SnapshotMark,
  isAlive: (mark: SnapshotMark) => Promise<boolean>,
): Promise<void> {
  const { vsphere, vm, signal, log } = work;
  const { name: vmName, snapshots } = await lookAtVm(vsphere, vm, signal);
  const ours = snapshots.filter((one) => one.mark !== null);
  if (ours.length === 0) return;
  const now = Date.now() + (await vsphere.clockOffset(signal));
  for (const { name, mark, created } of ours) {
    if (mark === null || (mark.job === own.job && mark.node === own.node)) continue;
    if (!(await mayBeInUse({ mark, created }, own.node, now, isAlive))) continue;
    throw new SendenseError(
      'snapshot.owned',
      `job ${mark.job} of node ${mark.node} works with the snapshot ${name} of ${vmName}, made ${new Date(mark.time).toISOString()}`,
      { details: { job: mark.job, node: mark.node, snapshot: name } },
    );
  }
  const morefs = ours.map(({ moref }) => moref.value);
  const removed = await removeOurs(work, () => false, morefs).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  if (removed.length > 0) log(`removed what an earlier job left on ${vmName}: the snapshot ${removed.join(', ')}`);
}

/** Whether a job may still work with a snapshot of ours. `now` in vSphere's clock; `isAlive` is asked for jobs of `node` only. */
export const mayBeInUse = async (
  { mark, created }: { readonly mark: SnapshotMark; readonly created: number },
  node: string,
  now: number,
  isAlive: (mark: SnapshotMark) => Promise<boolean>,
): Promise<boolean> => (mark.node === node ? isAlive(mark) : now - created < othersAreOldAfter);
