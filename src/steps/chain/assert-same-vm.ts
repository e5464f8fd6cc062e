import { SendenseError } from '../../errors/sendense-error.ts';
import { isSameVm, ownerOf, type Machine, type OwnedPoint } from '../../repository/vm-identity.ts';
import type { VmContext } from '../../state/points/vm-disks.ts';

/**
 * A name belongs to the VM whose restore points are under it.
 * @param points of the name, oldest first
 * @throws SendenseError `vm.identity` where the VM that is to be backed up is another one
 */
export function assertSameVm(
  { repository, context }: VmContext,
  machine: Machine,
  points: readonly OwnedPoint[],
): void {
  if (isSameVm(machine, points)) return;
  const newest = points.at(-1);
  const owner = ownerOf(points);
  const theirs = owner === null ? `of plan ${newest?.plan}, and have none of its disks` : `of another VM: ${owner}`;
  throw new SendenseError(
    'vm.identity',
    `${context} is ${described(machine)}, and the restore points of that name in repository ${repository} are ${theirs} (newest: ${newest?.backupId})`,
    {
      remedy: `Nothing was written. If it is another machine, give it another \`vm.name\`. If it is the same machine, made anew: \`sendense-run adopt ${context} --identity ${machine.instanceUuid ?? machine.disks[0]} --repository ${repository}\`; the next backup is then a full.`,
      details: { vm: context, repository, identity: machine.instanceUuid, owner },
    },
  );
}

const described = ({ instanceUuid, disks }: Machine): string =>
  instanceUuid === null
    ? `a VM with ${disks.length === 1 ? 'disk' : 'disks'} ${disks.join(', ')}`
    : `the VM ${instanceUuid}`;
