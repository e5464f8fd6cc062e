import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { MergeIntent, Retention } from '../../schemas/types.ts';
import { lookAtClock } from '../../host/system/boot-clock.ts';
import { clockDoubt } from '../../state/schedules/clock-looks.ts';
import type { State } from '../../state/database/open-state.ts';
import { datedLater, pointTimes } from '../../state/points/point-times.ts';
import { points, type RestorePoint } from '../../state/points/restore-points.ts';
import { ofOtherVms } from './of-other-vms.ts';
import { decideNamed, identityOfNamed, notNamed } from './named-points.ts';
import { manifestIds } from '../../repository/manifest-ids.ts';
import { currentMarks } from '../../repository/marks-of-vm.ts';
import type { Marks } from '../../repository/marks.ts';
import { blockedBy, unfinishedRemedy } from '../../repository/merge/blocked.ts';
import { intentPath, readIntents } from '../../repository/merge/intent.ts';
import type { UnitPoint } from '../../repository/merge/plan-units.ts';
import { brokenWithDependents, planRemoval, type PlannedPoint } from '../../repository/retention/plan-removal.ts';
import { clockTolerance, decideRetention, type PointDecision } from '../../repository/retention/policy.ts';

/** A VM of a repository. */
export interface PrunedVm {
  /** Name of the repository in the settings. */
  readonly repository: string;
  /** Absolute path of the repository. */
  readonly root: string;
  /** Directory of the VM in it. */
  readonly context: string;
}

export interface VmDecision {
  /** Oldest first, as `planned`. */
  readonly points: readonly RestorePoint[];
  readonly planned: readonly PlannedPoint[];
  /** Found on the way, for the user. */
  readonly remarks: readonly string[];
  /** Removals that were cut off and still are not finished, each in words with what waits for it. */
  readonly unfinished: readonly string[];
}

export interface DecideOptions {
  /** Null, and `remove` has ids: those go, as far as nothing holds them. */
  readonly retention: Retention | null;
  readonly remove?: readonly string[] | null | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Where the policy names none. */
  readonly timezone: string;
  /** The VM whose restore points are meant, where several have some under this name; default: the one that the name belongs to. */
  readonly identity?: string | null | undefined;
  /** A dry-run: as if there were one more restore point, made now and built on the newest one. */
  readonly withNext?: boolean;
}

/**
 * What retention makes of the restore points of a VM. Reads the database and the VM's folder, changes nothing.
 * @throws SendenseError `prune.refused` where the clock or the list of restore points is in doubt
 */
export async function decideVm(state: State, vm: PrunedVm, options: DecideOptions): Promise<VmDecision> {
  const { retention, remove, now, timezone, identity, withNext = false } = options;
  const named = retention === null ? new Set(remove) : null;
  const all = points(state, { repository: vm.repository, context: vm.context });
  const intents = await readIntents(vm.root, vm.context);
  await assertListing(vm, all, intents);
  assertClock(vm, all, now);
  assertBelieved(state, vm, now);
  const remarks: string[] = [];
  const marks = new Map<string, Marks | 'unreadable' | null>();
  for (const { backup_id: id } of all) {
    const found = await currentMarks(vm.root, vm.context, id).catch((error: unknown) => {
      remarks.push(`${id} stays, because its marks cannot be read: ${toSendenseError(error).message}`);
      return 'unreadable' as const;
    });
    marks.set(id, found);
  }
  const wanted = identity ?? (named && identityOfNamed(all, marks, named));
  const others = ofOtherVms(vm, all, marks, wanted);
  if (!named) remarks.push(...others.remarks);
  const broken = brokenWithDependents(all, brokenDisks(marks));
  const newest = all.findLast(({ backup_id: id, kept }) => !kept && !others.reasons.has(id));
  const next = withNext ? nextPoint(newest, broken) : null;
  const times = pointTimes(all, now);
  const counted = [...all, ...(next ? [next] : [])];
  const keptIds = new Set(all.filter(({ kept }) => kept).map(({ backup_id: id }) => id));
  const safety = new Set(all.flatMap(({ backup_id: id, before_restore: point }) => (point == null ? [] : [id])));
  const judged = counted
    .map(({ backup_id: id }, at) => ({
      id,
      beforeRestore: safety.has(id),
      created: times[at] ?? now,
      sequence: at,
      protected: isProtected(marks.get(id) ?? null, now),
      broken: broken.has(id),
    }))
    .filter(({ id }) => !others.reasons.has(id) && !keptIds.has(id));
  const decisions =
    retention === null
      ? decideNamed(judged, new Set(remove), now, timezone)
      : decideRetention(judged, retention, now, retention.timezone ?? timezone);
  const ownDecisions = [...keptIds]
    .filter((id) => !others.reasons.has(id))
    .map((id) => decideKept(id, isProtected(marks.get(id) ?? null, now), named));
  const planned = planRemoval(counted, withOthers(counted, [...decisions, ...ownDecisions], others.reasons), broken);
  const blocked = blockedBy(all, intents);
  return {
    points: all,
    planned: planned.slice(0, all.length).map((point) => keptIf(point, blocked)),
    remarks,
    unfinished: intents.map((intent) => describeUnfinished(intent, all)),
  };
}

/** No rule counts what `boot keep` made: it stays as long as it is protected. */
function decideKept(id: string, isKept: boolean, named: ReadonlySet<string> | null): PointDecision {
  if (!isKept && named && !named.has(id)) return { id, keep: true, reasons: [notNamed] };
  return { id, keep: isKept, reasons: isKept ? ['protected'] : [] };
}

/** What is of another VM stays, in its place. */
function withOthers(
  counted: readonly UnitPoint[],
  decisions: readonly PointDecision[],
  others: ReadonlyMap<string, string>,
): PointDecision[] {
  const decided = new Map(decisions.map((decision) => [decision.id, decision]));
  return counted.map(({ backup_id: id }) => {
    const own = decided.get(id);
    return own ?? { id, keep: true, reasons: [others.get(id) ?? 'of another VM'] };
  });
}

const keptIf = (point: PlannedPoint, blocked: ReadonlyMap<string, string>): PlannedPoint => {
  const reason = blocked.get(point.id);
  return reason === undefined || point.keep ? point : { ...point, keep: true, reasons: [reason], merges: [] };
};

/** Says what waits for it. */
function describeUnfinished(intent: MergeIntent, all: readonly RestorePoint[]): string {
  const { size } = new Set(all.map(({ backup_id: id }) => id)).intersection(blockedBy(all, [intent]));
  const what = size === 1 ? 'a restore point waits' : `${size} restore points wait`;
  return `the removal ${intentPath(intent.context, intent.name)} is not finished; ${what} for it. ${unfinishedRemedy}`;
}

/** A broken one gets no child: the next backup begins a new chain. */
const nextPoint = (newest: RestorePoint | undefined, broken: ReadonlySet<string>): UnitPoint => ({
  backup_id: 'the next one',
  disks:
    newest && !broken.has(newest.backup_id)
      ? newest.disks.map(({ number, capacity_bytes }) => ({ number, capacity_bytes, parent: newest.backup_id }))
      : [],
});

function brokenDisks(marks: ReadonlyMap<string, Marks | 'unreadable' | null>): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const [id, mark] of marks) if (mark !== 'unreadable' && mark?.broken) found.set(id, mark.broken.disks);
  return found;
}

/** What cannot be read may say so. */
const isProtected = (marks: Marks | 'unreadable' | null, now: number): boolean => {
  if (marks === 'unreadable') return true;
  const until = marks?.protected?.until;
  return until === null || (until !== undefined && until > now);
};

/** What the database knows is what is in the VM's folder, by name. */
async function assertListing(
  vm: PrunedVm,
  known: readonly RestorePoint[],
  intents: readonly MergeIntent[],
): Promise<void> {
  const where = `VM ${vm.context} in repository ${vm.repository}`;
  let there: Set<string>;
  try {
    there = await manifestIds(vm.root, vm.context);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && known.length === 0) return;
    throw new SendenseError('prune.refused', `${where}: its folder cannot be listed`, { cause: error });
  }
  const missing = known.find(({ backup_id: id }) => !there.has(id));
  if (missing)
    throw new SendenseError(
      'prune.refused',
      `${where}: the manifest of restore point ${missing.backup_id} is missing`,
      {
        remedy: `See \`sendense-run check\`; put back a copy of the manifest. If another hub removed the restore point: \`sendense-run repo import ${vm.repository} --forget-missing\`.`,
      },
    );
  for (const { backup_id: id } of [...known, ...intents.flatMap(({ removed }) => removed)]) there.delete(id);
  const [foreign] = there;
  if (foreign !== undefined)
    throw new SendenseError('prune.refused', `${where}: restore point ${foreign} is not in the database`, {
      remedy: `Enter it: \`sendense-run repo import ${vm.repository}\`.`,
    });
}

/** A clock that has just been set far ahead would let protections and `minAge` run out. */
function assertBelieved(state: State, vm: PrunedVm, now: number): void {
  const doubt = clockDoubt(state, { ...lookAtClock(), now });
  if (doubt === null) return;
  const time = (ms: number): string => new Date(ms).toISOString();
  throw new SendenseError(
    'prune.refused',
    `the clock says ${time(now)}, and has said ${time(doubt.latest)} at the latest until it was set: nothing of ${vm.context} is removed by its age yet`,
    {
      remedy: `Set the clock right. If it is right, Sendense removes restore points again in ${Math.ceil(doubt.forMs / 3_600_000)} hours.`,
    },
  );
}

function assertClock(vm: PrunedVm, known: readonly RestorePoint[], now: number): void {
  const newest = datedLater(known, now + clockTolerance);
  if (!newest) return;
  const time = (ms: number): string => new Date(ms).toISOString();
  throw new SendenseError(
    'prune.refused',
    `the clock says ${time(now)}, and restore point ${newest.backup_id} of ${vm.context} was made at ${time(newest.created)}`,
    { remedy: 'Set the clock right. If the time of the restore point is wrong, wait until that time has passed.' },
  );
}
