import { identityOf, isForeign, ownerOf, vmsUnder } from '../../repository/vm-identity.ts';
import type { Marks } from '../../repository/marks.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';
import type { VmContext } from '../../state/points/vm-disks.ts';

export interface OtherVms {
  /** Why a restore point stays, by backup id; what is not in it is of the VM that is meant. */
  readonly reasons: ReadonlyMap<string, string>;
  /** For the user. */
  readonly remarks: readonly string[];
}

/**
 * The restore points under a name that are of another VM: a retention counts those of one VM, and lets all others stay.
 * @param all oldest first
 * @param wanted the VM that is meant; null: the one that the name belongs to
 */
export function ofOtherVms(
  { context, repository }: VmContext,
  all: readonly RestorePoint[],
  marks: ReadonlyMap<string, Marks | 'unreadable' | null>,
  wanted: string | null,
): OtherVms {
  const points = all.map(({ backup_id: backupId, vm }) => {
    const mark = marks.get(backupId);
    return { backupId, identity: identityOf(vm, mark === 'unreadable' ? null : mark) };
  });
  const owner = ownerOf(points);
  const vm = wanted ?? owner;
  // What does not say whose it is belongs to the owner.
  const foreign = points
    .map((point) => ({ ...point, identity: point.identity ?? owner }))
    .filter((point) => isForeign(point, vm));
  const told = wanted === null ? vmsUnder(foreign) : [];
  const none = wanted !== null && foreign.length > 0 && foreign.length === points.length;
  return {
    reasons: new Map(foreign.map(({ backupId, identity }) => [backupId, `of another VM: ${identity}`])),
    remarks: [
      ...(none
        ? [
            `nothing is pruned: the plan names ${wanted}, which has no restore point here; they belong to ${[...new Set(foreign.map(({ identity }) => identity))].join(', ')}`,
          ]
        : []),
      ...told.map(
        ({ identity, newest, count }) =>
          `${count === 1 ? 'one restore point stays because it belongs' : `${count} restore points stay because they belong`} to another VM than ${vm}: ${identity} (newest: ${newest.backupId}). To prune them: \`identity: ${identity}\` in a plan of kind prune. If both are one machine: \`sendense-run adopt ${context} --identity ${vm} --repository ${repository}\``,
      ),
    ],
  };
}
