import { SendenseError } from '../../errors/sendense-error.ts';
import { isForeign, ownerOf, vmsUnder, type OwnedPoint } from '../../repository/vm-identity.ts';
import type { VmContext } from '../../state/points/vm-disks.ts';

type Point = Pick<OwnedPoint, 'backupId' | 'identity'>;

/**
 * The restore points of one VM, where "the newest" of a name is meant.
 * @param all those of the name, oldest first
 * @param wanted the VM that is meant; null: there has to be only one
 * @returns their backup ids
 * @throws SendenseError `vm.identity` where several VMs have restore points under the name, `point.unknown` where the one that is meant has none
 */
export function assertOneVm(
  { repository, context }: VmContext,
  all: readonly Point[],
  wanted: string | null,
): Set<string> {
  const vms = vmsUnder(all);
  if (wanted === null && vms.length > 1) throw severalVms({ repository, context }, vms);
  if (wanted !== null && !vms.some(({ identity }) => identity === wanted))
    throw new SendenseError(
      'point.unknown',
      `${context} in repository ${repository} has no restore point of ${wanted}`,
      {
        remedy: `See \`sendense-run list ${context}\`.`,
      },
    );
  const owner = ownerOf(all);
  return new Set(
    all
      .map((point) => ({ ...point, identity: point.identity ?? owner }))
      .filter((point) => !isForeign(point, wanted ?? owner))
      .map(({ backupId }) => backupId),
  );
}

const severalVms = ({ repository, context }: VmContext, vms: ReturnType<typeof vmsUnder<Point>>): SendenseError =>
  new SendenseError(
    'vm.identity',
    `${vms.length} VMs have restore points under the name ${context} in repository ${repository}: ${vms.map(({ identity, count, newest }) => `${identity} (${count}, newest ${newest.backupId})`).join(', ')}`,
    {
      remedy: `Name one: \`--identity ${vms.at(-1)?.identity}\`, or \`vm.identity\` in a plan, or name a restore point by its id. If they are one machine: \`sendense-run adopt ${context} --identity ${vms.at(-1)?.identity} --repository ${repository}\`.`,
      details: { vm: context, repository, identities: vms.map(({ identity }) => identity) },
    },
  );
