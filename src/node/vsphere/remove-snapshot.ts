import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { consolidate } from './consolidate.ts';
import { faultOf } from './fault.ts';
import { persistently } from './persistently.ts';
import type { SnapshotMark } from './snapshot-mark.ts';
import { timesOf, type SnapshotWork } from './snapshot-work.ts';
import { lookAtVm, type VmSnapshot, type VmState } from './vm-state.ts';
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
  let vmName = work.vm.value;
  // One that is only just being made, its job cancelled or dead, would not be in the list yet.
  await orLeft(work, 'a snapshot is being made', () =>
    waitUntilIdle(work, { tasks: /createSnapshot/i, idle: timesOf(work).create }),
  );
  for (;;) {
    const { name: seen, snapshots } = await orLeft(work, 'the snapshots cannot be listed', () => stateOf(work));
    vmName = seen === '' ? vmName : `${seen} (${work.vm.value})`;
    const next = snapshots.find(({ mark, moref }) => morefs.includes(moref.value) || (mark !== null && matches(mark)));
    if (!next) break;
    work.log(`removing the snapshot ${next.name}`);
    await orLeft(
      work,
      `the snapshot ${next.name} (${next.moref.value}) is not removed`,
      () => removeOnce(work, next),
      `the snapshot ${next.name} of ${vmName}`,
    );
    removed.push(next.name);
  }
  if (removed.length > 0) await tidy(work);
  return removed;
}

/** @param left what stays where it fails, in words */
async function orLeft<T>(work: SnapshotWork, what: string, action: () => Promise<T>, left?: string): Promise<T> {
  try {
    return await persistently(work, what, action);
  } catch (cause) {
    const { code, message, details } = toSendenseError(cause);
    throw new SendenseError('snapshot.left', `VM ${work.vm.value}: ${what}: ${code}: ${message}`, {
      cause,
      details: { ...(left === undefined ? {} : { what: left }), refused: details?.['refused'] === true },
    });
  }
}

/** @throws where the snapshot is still there afterwards */
async function removeOnce(work: SnapshotWork, { moref, name }: VmSnapshot): Promise<void> {
  const { vsphere, signal } = work;
  const isThere = async (): Promise<boolean> =>
    (await stateOf(work)).snapshots.some((one) => one.moref.value === moref.value);
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

async function stateOf({ vsphere, vm, signal }: SnapshotWork): Promise<Pick<VmState, 'name' | 'snapshots'>> {
  try {
    return await lookAtVm(vsphere, vm, signal);
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'source.missing') return { name: '', snapshots: [] };
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
