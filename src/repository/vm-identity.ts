import type { Manifest } from '../schemas/types.ts';
import type { Marks } from './marks.ts';

/** What tells whose a restore point is. */
export interface OwnedPoint {
  readonly backupId: string;
  /** When it was made, milliseconds since the epoch by the clock of its hub. */
  readonly created: number;
  /** The VM that it counts as one of; null: it does not say, so it belongs to the name. */
  readonly identity: string | null;
  /** vSphere's, of the VM at the time of the backup. */
  readonly instanceUuid: string | null;
  /** Name of the plan that made it. */
  readonly plan: string | null;
  /** Whether it holds what the guest of a VM wrote that ran from a restore point: such a one has a plan of its own. */
  readonly kept: boolean;
  readonly disks: readonly { readonly number: number; readonly uuid: string }[];
}

/** A VM that is to be backed up. */
export interface Machine {
  /** vSphere's; null: it has none, as the VM of an image source. */
  readonly instanceUuid: string | null;
  /** Uuids of its disks. */
  readonly disks: readonly string[];
  /** Name of the plan. */
  readonly plan: string;
}

/** The VM that a restore point counts as one of: what somebody said of it, else the instance uuid at the time of the backup. */
export const identityOf = (
  vm: Pick<Manifest['vm'], 'instance_uuid'>,
  marks: Pick<Marks, 'adopted'> | null | undefined,
): string | null => marks?.adopted?.identity ?? vm.instance_uuid ?? null;

type Identified = Pick<OwnedPoint, 'identity'>;

/** The VM to which a name belongs: that of its newest restore point that says one; null: none does. @param points oldest first */
export const ownerOf = (points: readonly Identified[]): string | null =>
  points.findLast(({ identity }) => identity !== null)?.identity ?? null;

/** Whether a restore point is of another VM than this one. What does not say whose it is belongs to the owner of the name. */
export const isForeign = ({ identity }: Identified, of: string | null): boolean =>
  identity !== null && of !== null && identity !== of;

/** The VMs that have restore points under one name, in the order of their newest. @param points oldest first */
export function vmsUnder<P extends Identified>(points: readonly P[]): { identity: string; newest: P; count: number }[] {
  const found = new Map<string, { identity: string; newest: P; count: number }>();
  for (const point of points) {
    const { identity } = point;
    if (identity === null) continue;
    const { count } = found.get(identity) ?? { count: 0 };
    found.delete(identity);
    found.set(identity, { identity, newest: point, count: count + 1 });
  }
  return [...found.values()];
}

/**
 * Whether a VM is the one whose restore points are under its name. An instance uuid decides where both have one. Without one, disks
 * tell: one that is known is of the same VM. If all disks are new, the plan that made the newest restore point may have got other
 * disks; another plan has another VM.
 * @param points of the name, oldest first; kept ones do not tell
 */
export function isSameVm({ instanceUuid, disks, plan }: Machine, points: readonly OwnedPoint[]): boolean {
  const backedUp = points.filter(({ kept }) => !kept);
  const newest = backedUp.at(-1);
  if (!newest) return true;
  const owner = ownerOf(points);
  if (owner !== null) {
    // Of a VM without an instance uuid somebody names a disk.
    if (owner === instanceUuid || disks.includes(owner)) return true;
    if (instanceUuid !== null) return false;
  }
  // The disks of points that were adopted are those of the VM before.
  const telling = backedUp.filter(
    ({ identity, instanceUuid: own }) => identity === own && !isForeign({ identity }, owner),
  );
  if (telling.some((point) => point.disks.some(({ uuid }) => disks.includes(uuid)))) return true;
  return newest.identity === null && (newest.plan === null || newest.plan === plan);
}
