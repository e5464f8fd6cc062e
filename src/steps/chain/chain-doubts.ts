/** Why the last restore point of a VM is not to be built on, as far as its files are not asked. */
import type { Marks } from '../../repository/marks.ts';
import type { ChainDecideInput, DiskInfo } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';
import { storedChain } from '../../restore-points/stored-chain.ts';

/** Which restore point of the disk's chain a verification found broken, in whatever disk: nothing is built on it. */
export function brokenParent(
  state: State,
  last: RestorePoint,
  number: number,
  marks: ReadonlyMap<string, Marks>,
): string | null {
  const { vm } = last;
  const chain = storedChain(state, last, number);
  if (typeof chain === 'string') return null;
  for (const { backupId } of chain) {
    const broken = marks.get(marksKey(vm.context, backupId))?.broken;
    if (broken) return `restore point ${backupId} is broken: ${broken.reason}`;
  }
  return null;
}

/** How far the clocks that dated snapshot and revert may be apart. */
const clocksMs = 10 * 60_000;

/** By the node's clock, as the time of a revert. */
const takenAt = (last: RestorePoint): number => Date.parse(last.snapshot?.taken ?? '') || last.started;

/** The restore points were of another VM, until somebody said that they are one machine. */
export function otherVm({ facts }: ChainDecideInput, last: RestorePoint): string | null {
  const before = last.vm.instance_uuid;
  const now = facts?.instance_uuid;
  return before && now && before !== now
    ? `another VM has this name now: instance uuid ${now}, it was ${before} at ${last.backup_id}`
    : null;
}

/** Why the hypervisor's list of changes cannot be trusted to lead from the last restore point to now. */
export function whatBroke(
  { facts }: ChainDecideInput,
  disk: DiskInfo,
  last: RestorePoint,
  row: RestorePoint['disks'][number],
  /** By how much the hub's clock was set back since, ms: the point may be older than its time by as much. */
  setBack: number,
): string | null {
  if (!facts) return null;
  if (facts.last_revert !== null && facts.last_revert >= takenAt(last) - setBack)
    return `the VM was reverted to a snapshot on ${new Date(facts.last_revert).toISOString()}`;
  if (disk.change_tracking === 'cbt' && row.source_path !== disk.path)
    return `the disk's file was ${row.source_path} and is ${disk.path} now`;
  return null;
}

/** Why the hypervisor's list of changes does not lead from the last restore point to now, though the disks can be compared. */
export function restoredInPlace({ facts }: ChainDecideInput, last: RestorePoint): string | null {
  const now = facts?.restored_in_place ?? null;
  return now !== null && now.run !== (last.restored_in_place ?? null)
    ? `the VM was restored in place from ${now.point} since (run ${now.run})`
    : null;
}

/** Why the VM may have been reverted since the last restore point without anybody knowing. */
export function unseenRevert({ facts }: ChainDecideInput, last: RestorePoint, setBack: number): string | null {
  if (!facts) return null;
  const known = facts.reverts_known_since ?? null;
  const taken = takenAt(last) - setBack;
  const { last_revert: revert } = facts;
  if (revert !== null && revert < taken && revert >= taken - clocksMs)
    return `the VM was reverted to a snapshot on ${new Date(revert).toISOString()}, too shortly before to tell by clocks which came first`;
  if (known !== null && known <= taken) return null;
  return known === null
    ? 'vSphere does not tell whether the VM was reverted to a snapshot since'
    : `vSphere's events begin at ${new Date(known).toISOString()}, and the VM may have been reverted to a snapshot before`;
}
