import type { ChangeIdsOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { points } from '../../state/points/restore-points.ts';

/** Of the newest restore point of a VM. */
export function changeIdsOf(state: State, vm: string, repository: string | undefined): ChangeIdsOutput | undefined {
  const filter = repository === undefined ? {} : { repository };
  const newest = points(state, { vmName: vm, ...filter })
    .toSorted((a, b) => a.created - b.created)
    .at(-1);
  if (!newest) return undefined;
  return {
    version: 1,
    vm_name: vm,
    repository_id: newest.repository,
    backup_id: newest.backup_id,
    disks: newest.disks.map(({ number, uuid, change_id: changeId }) => ({
      disk: `disk-${number}`,
      uuid,
      change_id: changeId,
    })),
  };
}
