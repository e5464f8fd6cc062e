import type { Extent } from '../../../blocks/extents.ts';
import { toSendenseError } from '../../../errors/sendense-error.ts';
import { clearLeftOvers } from '../clear-left-overs.ts';
import { queryChangedAreas } from '../changed-areas.ts';
import { missingPrivileges, snapshotPrivileges } from '../privileges.ts';
import type { SnapshotMark } from '../snapshot-mark.ts';
import type { SnapshotWork } from '../snapshot-work.ts';
import { takeSnapshot, type Snapshot } from '../take-snapshot.ts';
import { lookAtVm } from '../vm-state.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';

/** What may have changed on disks since a restore point of them, by their keys: a disk of which that is not known is not there. */
export type AreasSince = (
  vsphere: Vsphere,
  vm: Moref,
  signal: AbortSignal | undefined,
) => Promise<ReadonlyMap<number, readonly Extent[]>>;

export interface AskedSince extends Pick<SnapshotWork, 'log' | 'warn' | 'left'> {
  readonly mark: SnapshotMark;
  isAlive(mark: SnapshotMark): Promise<boolean>;
  /** Change ids of a restore point, by the keys of the disks. */
  readonly since: ReadonlyMap<number, string>;
}

/**
 * Asks vSphere, by a snapshot of its own: vSphere tells what changed up to a snapshot. Snapshots that jobs of ours left go first, because
 * nothing may be written below one.
 * @throws SendenseError `snapshot.owned`, `snapshot.left`
 */
export const changedSince =
  ({ mark, isAlive, since, log, warn, left }: AskedSince): AreasSince =>
  async (vsphere, vm, signal) => {
    const work: SnapshotWork = { vsphere, vm, signal, log, warn, left };
    await clearLeftOvers(work, mark, isAlive);
    const areas = new Map<number, readonly Extent[]>();
    const tracked = [...since].filter(([, id]) => !id.startsWith('digest:'));
    if (tracked.length === 0) return areas;
    const { missing } = await missingPrivileges(vsphere, [vm], snapshotPrivileges, signal);
    if (missing.has(vm.value)) {
      log('the user may make no snapshot, so vSphere does not tell what changed since the safety backup');
      return areas;
    }
    const snapshot = await made(work, mark, isAlive);
    if (snapshot === null) return areas;
    await using _closing = snapshot;
    for (const [key, id] of tracked) {
      const disk = snapshot.disks.find((one) => one.key === key);
      if (!disk) continue;
      const found = await queryChangedAreas(vsphere, { vm, snapshot: snapshot.moref, disk }, id, { signal });
      if ('areas' in found) areas.set(key, found.areas);
      else log(`${disk.label}: ${found.reset}`);
    }
    return areas;
  };

/** Null: it cannot be made; then the disks are read. @throws SendenseError `snapshot.left` */
async function made(work: SnapshotWork, mark: SnapshotMark, isAlive: AskedSince['isAlive']): Promise<Snapshot | null> {
  const { vsphere, vm, signal, log } = work;
  try {
    return await takeSnapshot(vsphere, vm, {
      ...work,
      mark,
      isAlive,
      quiesce: 'off',
      cbt: 'auto',
      foreignSnapshots: 'refuse',
    });
  } catch (error) {
    signal?.throwIfAborted();
    const { snapshots } = await lookAtVm(vsphere, vm, signal);
    if (snapshots.length > 0) throw error;
    log(`vSphere does not tell what changed since the safety backup: ${toSendenseError(error).message}`);
    return null;
  }
}
