import { SendenseError } from '../../errors/sendense-error.ts';
import type { Marks } from '../../repository/marks.ts';
import { identityOf } from '../../repository/vm-identity.ts';
import type { PointChoice } from '../../schemas/types.ts';
import { choosePoint, noSuchPoint } from '../../state/points/choose-point.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';
import type { VmContext } from '../../state/points/vm-disks.ts';
import { assertOneVm } from './assert-one-vm.ts';
import { brokenBelow } from '../verify/broken-points.ts';

export interface WantedPoint extends VmContext {
  readonly choice: PointChoice;
  /** The VM that is meant, where several have restore points under the name. */
  readonly identity?: string | undefined;
  /** Numbers of the disks that are wanted; default: all. */
  readonly disks?: readonly number[] | undefined;
}

/** The restore point that is meant, and what speaks against it. */
export interface ChosenPoint {
  readonly point: RestorePoint;
  readonly remark: string | null;
  /** Why it is this one. */
  readonly why: string;
}

/**
 * `latest` and times mean the newest one that no verification found broken, nor what it is built on, and that a backup made; `latest` none
 * that was made before a restore in place. One that is named by its id is taken whatever was found, and also if `boot keep` made it.
 * @param all restore points of the name, oldest first
 * @throws SendenseError `point.unknown`, `vm.identity`, `chain.damaged` where none is sound
 */
export function chosenPoint(
  all: readonly RestorePoint[],
  marks: ReadonlyMap<string, Marks>,
  { repository, context, choice, identity, disks }: WantedPoint,
): ChosenPoint {
  const against = (point: RestorePoint): string | null => {
    const unsound = brokenBelow(point, all, marks, disks);
    return unsound && `${unsound.backupId} is broken: ${unsound.reason}`;
  };
  const named = typeof choice === 'string' && choice !== 'latest';
  // Of several VMs that have restore points under the name, "the newest" is of the one that is meant.
  const own =
    named && identity === undefined
      ? null
      : assertOneVm({ repository, context }, identified(all, marks), identity ?? null);
  const { fitting, why, next } = choosePoint(
    all.filter(
      ({ backup_id: id, kept, before_restore: before = null }) =>
        (own?.has(id) ?? true) && (named || (!kept && !(choice === 'latest' && before !== null))),
    ),
    choice,
    Date.now(),
  );
  const newest = fitting.at(-1);
  if (!newest) throw noSuchPoint({ vm: context, where: `in repository ${repository}`, choice }, all, next);
  const fault = against(newest);
  if (named) {
    const remark = fault && `restore point ${newest.backup_id} is taken because it was named, but ${fault}`;
    return { point: newest, remark, why };
  }
  const point = fitting.findLast((entry) => against(entry) === null);
  if (point)
    return {
      point,
      remark: fault && `restore point ${newest.backup_id} was skipped because ${fault}; this is ${point.backup_id}`,
      why: next && point === newest ? `${why}; ${next.backup_id} was made after that` : why,
    };
  throw new SendenseError('chain.damaged', `VM ${context} has no sound restore point: ${fault}`, {
    remedy:
      'Name one by its id (--point ID) to restore it all the same; `sendense-run list` says what is wrong with each one.',
  });
}

const identified = (all: readonly RestorePoint[], marks: ReadonlyMap<string, Marks>) =>
  all.map(({ backup_id: backupId, vm }) => ({
    backupId,
    identity: identityOf(vm, marks.get(marksKey(vm.context, backupId))),
  }));
