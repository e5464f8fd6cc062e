import type { DiskInfo } from '../schemas/types.ts';
import type { ChainVerdict, StoredDisk } from './verify-chain.ts';

export interface DecisionFacts {
  readonly disk: DiskInfo;
  readonly wanted: 'auto' | 'full' | 'incremental';
  /** The last committed restore point of the VM, if there is one. */
  readonly lastPoint: string | null;
  /** This very disk (by uuid) in that restore point. */
  readonly parent: StoredDisk | null;
  /** Why the last restore point is of another VM than the one that is backed up, which has its name now; null: it is of this one. */
  readonly otherVm?: string | null;
  /** Why nothing of the VM's earlier restore points can be built on, whatever the disk says; null: nothing speaks against it. */
  readonly broken?: string | null;
  /** Why the hypervisor's list of changes may not lead from the parent to now, which only a comparison can tell; null: it does. */
  readonly unproven?: string | null;
  /** What was found of the parent's chain, its content compared where it was touched. */
  readonly chain: ChainVerdict | null;
}

export interface Decision {
  readonly mode: 'full' | 'incremental';
  readonly method: 'full' | 'areas' | 'digest';
  readonly reason: string;
  /** A full that the user did not ask for: `kind: incremental` refuses it. */
  readonly fallback: boolean;
}

const asked: Decision = { mode: 'full', method: 'full', reason: 'the plan asks for a full backup', fallback: false };
const fallback = (reason: string): Decision => ({ mode: 'full', method: 'full', reason, fallback: true });
const incremental = (method: 'areas' | 'digest', reason: string): Decision => ({
  mode: 'incremental',
  method,
  reason,
  fallback: false,
});

/** Full or incremental, and why. Incremental only where all that DESIGN.md section 5 demands holds. Pure. */
export function decideDisk({
  disk,
  wanted,
  lastPoint,
  parent,
  chain,
  otherVm,
  broken,
  unproven,
}: DecisionFacts): Decision {
  if (wanted === 'full') return asked;
  if (lastPoint === null) return fallback('first backup of this VM in this repository');
  // Before its disks, which are others as well: this is why.
  if (otherVm) return fallback(otherVm);
  if (!parent) return fallback(`the disk is not in the last restore point ${lastPoint}`);
  if (parent.capacity !== disk.capacity_bytes)
    return fallback(`the capacity changed from ${parent.capacity} to ${disk.capacity_bytes} bytes`);
  if (broken) return fallback(broken);
  if (parent.changeId === null) return fallback(`no change id is recorded for this disk at ${lastPoint}`);
  if (chain?.verdict !== 'sound') return fallback(`the chain cannot be built on: ${whyNot(chain)}`);
  if (disk.change_tracking === 'cbt') {
    const compared = `compared by digest with ${parent.backupId}`;
    if (parent.changeId.startsWith('digest:'))
      return incremental('digest', `${compared}, which was made without change tracking`);
    return unproven
      ? incremental('digest', `${compared}: ${unproven}`)
      : incremental('areas', `changed areas since ${parent.backupId}`);
  }
  if (disk.change_tracking === 'areas') {
    if (disk.changed_since === parent.changeId) return incremental('areas', `changed areas since ${parent.backupId}`);
    const since = disk.changed_since === null ? 'has no start' : `starts at ${disk.changed_since}`;
    return incremental(
      'digest',
      `compared by digest with ${parent.backupId}: the list of changes ${since}, the parent is at ${parent.changeId}`,
    );
  }
  return incremental('digest', `compared by digest with ${parent.backupId}`);
}

function whyNot(chain: Exclude<ChainVerdict, { verdict: 'sound' }> | null): string {
  if (chain === null) return 'it was not looked at';
  return chain.verdict === 'broken'
    ? chain.reason
    : `${chain.paths.join(', ')} changed since the commit and was not compared`;
}
