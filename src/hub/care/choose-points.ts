import { SendenseError } from '../../errors/sendense-error.ts';
import { withAncestors } from '../../repository/manifest.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { ReceiverFacts } from './receiver.ts';

/** A restore point with all that it is built on, or all of the VM; parents first. @throws SendenseError `repository.damaged` */
export function choosePoints(manifests: ReadonlyMap<string, Manifest>, point: string | undefined): Manifest[] {
  const { chain, missing } = withAncestors(manifests, point);
  if (missing.length === 0) return chain;
  throw new SendenseError('repository.damaged', `the manifest of ${missing.join(', ')} is missing`);
}

/** @throws SendenseError `repository.conflict` where the other repository holds something else under these names */
export function assertNoConflict(chosen: readonly Manifest[], there: ReceiverFacts): void {
  const conflict = (what: string): never => {
    throw new SendenseError('repository.conflict', `repository ${there.repository}: ${what}`);
  };
  for (const { backup_id: id, checksum, vm, disks } of chosen) {
    const other = there.points.find((point) => point.backup_id === id);
    if (other && other.checksum !== checksum)
      conflict(`${vm.context}/${id} is there already, and is not the same (one of the two was merged or replaced)`);
    for (const { number, uuid } of disks) {
      const taken = there.disks.find((disk) => disk.number === number || disk.uuid === uuid);
      if (taken && (taken.number !== number || taken.uuid !== uuid))
        conflict(`disk-${taken.number} of ${vm.context} is disk ${taken.uuid} there; here disk-${number} is ${uuid}`);
    }
  }
}
