import { SendenseError } from '../../errors/sendense-error.ts';
import { ownerOf, type OwnedPoint } from '../../repository/vm-identity.ts';
import { withAncestors } from '../../repository/manifest.ts';
import { unfinishedRemedy, withChains } from '../../repository/merge/blocked.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { ReceiverFacts } from './receiver.ts';

/** Restore points that the other repository cannot take, since a removal that is not finished there has to do with them, and why. */
export const blockedThere = (
  all: readonly Manifest[],
  { repository, blocked }: ReceiverFacts,
): ReadonlyMap<string, string> =>
  withChains(
    all,
    blocked.map(({ backup_id: id, reason }) => [id, `in repository ${repository} ${reason}`] as const),
  );

/**
 * A restore point with all that it is built on, or all of the VM; parents first. Without those that a removal which is not
 * finished, here or there, has to do with.
 * @param blocked why, by backup id
 * @returns and what is left out, in words
 * @throws SendenseError `repository.damaged` also where nothing is left
 */
export function chooseUnblocked(
  manifests: ReadonlyMap<string, Manifest>,
  point: string | undefined,
  blocked: ReadonlyMap<string, string>,
): { readonly chosen: Manifest[]; readonly left: string[] } {
  const free = new Map([...manifests].filter(([id]) => !blocked.has(id)));
  const [first] = [...manifests.keys()].filter((id) => blocked.has(id) && (point === undefined || point === id));
  if (first !== undefined && (point !== undefined || free.size === 0))
    throw new SendenseError('repository.damaged', `${first} is not copied: ${blocked.get(first)}`, {
      remedy: unfinishedRemedy,
    });
  const left = [...manifests.keys()].flatMap((id) =>
    blocked.has(id) ? [`${id} is not copied: ${blocked.get(id)}`] : [],
  );
  return { chosen: choosePoints(free, point), left: point === undefined ? left : [] };
}

function choosePoints(manifests: ReadonlyMap<string, Manifest>, point: string | undefined): Manifest[] {
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

/**
 * @param own all restore points of the VM here, oldest first
 * @throws SendenseError `vm.identity` where the name belongs to a VM there that has no restore point here
 */
export function assertOwn(own: readonly OwnedPoint[], { repository, identity }: ReceiverFacts, context: string): void {
  const owner = ownerOf(own);
  if (
    identity == null ||
    owner === null ||
    own.some((point) => [point.identity, point.instanceUuid].includes(identity))
  )
    return;
  throw new SendenseError(
    'vm.identity',
    `the restore points of ${context} in repository ${repository} are of another VM: ${identity}; here they are of ${owner}`,
    {
      remedy: `Nothing was copied. If both are one machine: \`sendense-run adopt ${context} --identity ${owner} --repository ${repository}\`, at the hub of that repository.`,
      details: { vm: context, repository, identity: owner, owner: identity },
    },
  );
}
