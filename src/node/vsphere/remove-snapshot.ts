import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { consolidate } from './consolidate.ts';
import { faultOf } from './fault.ts';
import { persistently } from './persistently.ts';
import type { SnapshotMark } from './snapshot-mark.ts';
import { timesOf, type SnapshotWork } from './snapshot-work.ts';
import { lookAtVm, type VmSnapshot } from './vm-state.ts';
import { waitUntilIdle } from './wait-until-idle.ts';

/**
 * Removes the snapshots with a mark of ours that matches, and those whose morefs are given; theirs alone, never children.
 * Nothing there is success, and so is a VM that is gone. Tried again while it fails, then looked at whether they are gone.
 * Give it a signal of its own: it must work when the job was cancelled.
 * @returns the names of those removed
 * @throws SendenseError `snapshot.left`
 */
export async function removeOurs(
  work: SnapshotWork,
  matches: (mark: SnapshotMark) => boolean,
  morefs: readonly string[] = [],
): Promise<string[]> {
  const removed: string[] = [];
  // One that is only just being made, its job cancelled or dead, would not be in the list yet.
  await orLeft(work, 'a snapshot is being made', () =>
    waitUntilIdle(work, { tasks: /createSnapshot/i, idle: timesOf(work).create }),
  );
  for (;;) {
    const snapshots = await orLeft(work, 'the snapshots cannot be listed', () => snapshotsOf(work));
    const next = snapshots.find(({ mark, moref }) => morefs.includes(moref.value) || (mark !== null && matches(mark)));
    if (!next) break;
    work.log(`removing the snapshot ${next.name}`);
    await orLeft(work, `the snapshot ${next.name} (${next.moref.value}) is not removed`, () => removeOnce(work, next));
    removed.push(next.name);
  }
  if (removed.length > 0) await tidy(work);
  return removed;
}

async function orLeft<T>(work: SnapshotWork, what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await persistently(work, what, action);
  } catch (cause) {
    const { message } = toSendenseError(cause);
    throw new SendenseError('snapshot.left', `VM ${work.vm.value}: ${what}: ${message}`, { cause });
  }
}

/** @throws where the snapshot is still there afterwards */
async function removeOnce(work: SnapshotWork, { moref, name }: VmSnapshot): Promise<void> {
  const { vsphere, signal } = work;
  const isThere = async (): Promise<boolean> =>
    (await snapshotsOf(work)).some((one) => one.moref.value === moref.value);
  // An earlier attempt whose answer was lost may be the very task that is waited for.
  await waitUntilIdle(work, { idle: timesOf(work).remove });
  if (!(await isThere())) return;
  let said = 0;
  const onProgress = (percent: number): void => {
    if (percent < said + 10) return;
    said = percent;
    work.log(`removing the snapshot ${name}: ${percent} %`);
  };
  try {
    await vsphere.task(
      'RemoveSnapshot_Task',
      moref,
      [
        ['removeChildren', false],
        ['consolidate', true],
      ],
      { timeoutMs: timesOf(work).remove, onProgress, ...(signal && { signal }) },
    );
  } catch (error) {
    if (faultOf(error)?.name !== 'ManagedObjectNotFound') throw error;
  }
  if (await isThere()) throw new SendenseError('vsphere.busy', 'vSphere says that it is removed, yet it is there');
}

async function snapshotsOf({ vsphere, vm, signal }: SnapshotWork): Promise<readonly VmSnapshot[]> {
  try {
    return (await lookAtVm(vsphere, vm, signal)).snapshots;
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'source.missing') return [];
    throw error;
  }
}

/** The snapshot is gone; disks that are left to merge are worth a warning, no more: the next run begins with them. */
async function tidy(work: SnapshotWork): Promise<void> {
  try {
    await consolidate(work);
  } catch (error) {
    const { code, message } = toSendenseError(error);
    if (code !== 'source.missing') work.warn(`${code}: ${message}`);
  }
}
