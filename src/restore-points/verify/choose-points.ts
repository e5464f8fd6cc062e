import { identityOf, ownerOf } from '../../repository/vm-identity.ts';
import type { Marks } from '../../repository/marks.ts';
import { selectVms } from '../../repository/match-vm.ts';
import type { PointChoice } from '../../schemas/types.ts';
import { ageMs } from '../../schemas/age-ms.ts';
import { choosePoint } from '../../state/points/choose-point.ts';
import { marksKey, type Verification, type VerifyLevel } from '../../state/points/point-marks.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';

/** Which restore points are verified: of each VM the newest, all, a share of all, or those whose turn it is. */
export type Selection = 'latest' | 'all' | { readonly share: string } | { readonly notVerifiedFor: string };

export interface Choice {
  readonly selection: Selection;
  readonly vms?: readonly string[] | undefined;
  /** Of each VM only this restore point, whatever the selection. */
  readonly point?: PointChoice | undefined;
  readonly level: VerifyLevel;
  /** By `marksKey`. */
  readonly marks?: ReadonlyMap<string, Marks> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How much of a restore point's files a level reads; -1: it proves something else. */
const rank: Readonly<Record<VerifyLevel, number>> = { quick: 0, digests: 1, deep: 2, boot: -1, files: -1 };

/**
 * The restore points to verify, the least recently verified first, so that everything has its turn and a run that was
 * cut off is gone on with by the next. A verification of a higher level counts for the lower ones.
 */
export function choosePoints(
  all: readonly RestorePoint[],
  verifications: ReadonlyMap<string, readonly Verification[]>,
  { selection, vms, point, level, marks, now }: Choice,
): { readonly points: RestorePoint[]; readonly unmatched: readonly string[] } {
  const { names, unmatched } = selectVms([...new Set(all.map(({ vm }) => vm.context))], vms);
  const wanted = new Set(names);
  const identity = (entry: RestorePoint): string | null =>
    identityOf(entry.vm, marks?.get(marksKey(entry.vm.context, entry.backup_id)));
  const mine = (point === undefined ? all : namesakes(all, point, { now, identity }))
    .filter((entry) => wanted.has(entry.vm.context))
    .map((entry) => ({ entry, last: lastVerified(entry, verifications, { level, now }), identity: identity(entry) }))
    .toSorted((a, b) => (a.last === b.last ? a.entry.sequence - b.entry.sequence : a.last < b.last ? -1 : 1));
  return { points: (point === undefined ? pick(mine, selection, now) : mine).map(({ entry }) => entry), unmatched };
}

const dayMs = 86_400_000;

/**
 * The order in which restore points are worked on: those that were verified on one day, or never, VM by VM. Points of one chain need the
 * same files, which are looked at once then.
 */
export function vmByVm(
  points: readonly RestorePoint[],
  verifications: ReadonlyMap<string, readonly Verification[]>,
  when: Pick<Choice, 'level' | 'now'>,
): RestorePoint[] {
  const dayOf = (entry: RestorePoint): number => Math.floor(lastVerified(entry, verifications, when) / dayMs);
  return points
    .map((entry) => ({ entry, day: dayOf(entry), vm: entry.vm.context }))
    .toSorted((a, b) => compare(a.day, b.day) || compare(a.vm, b.vm) || compare(a.entry.sequence, b.entry.sequence))
    .map(({ entry }) => entry);
}

const compare = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** When a restore point was verified last at this level or a higher one, milliseconds since the epoch; -Infinity: never. */
const lastVerified = (
  entry: RestorePoint,
  verifications: ReadonlyMap<string, readonly Verification[]>,
  { level, now }: Pick<Choice, 'level' | 'now'>,
): number =>
  Math.max(
    Number.NEGATIVE_INFINITY,
    ...(verifications.get(marksKey(entry.vm.context, entry.backup_id)) ?? [])
      .filter((verification) => rank[verification.level] >= rank[level])
      // What is in the future was written by a clock that was ahead.
      .map(({ finished }) => (finished > now ? Number.NEGATIVE_INFINITY : finished)),
  );

/** The one of each VM that is meant, where it has one. */
function namesakes(
  all: readonly RestorePoint[],
  point: PointChoice,
  { now, identity }: { readonly now: number; readonly identity: (entry: RestorePoint) => string | null },
): RestorePoint[] {
  return [...Map.groupBy(all, ({ vm }) => vm.context).values()].flatMap((named) => {
    // What does not say whose it is belongs to the owner of the name.
    const owner = ownerOf(named.map((entry) => ({ identity: identity(entry) })));
    const vms = Map.groupBy(named, (entry) => identity(entry) ?? owner);
    const isNamed = typeof point === 'string' && point !== 'latest';
    return [...vms.values()].flatMap((own) =>
      choosePoint(isNamed ? own : own.filter(({ kept }) => !kept), point, now).fitting.slice(-1),
    );
  });
}

interface Candidate {
  readonly entry: RestorePoint;
  /** When it was verified last. */
  readonly last: number;
  /** Several VMs may have restore points under one name. */
  readonly identity: string | null;
}

/** The newest restore point of each VM that a backup made. */
function newestOfEach(candidates: readonly Candidate[]): Candidate[] {
  const names = Map.groupBy(
    candidates.filter(({ entry }) => !entry.kept).toSorted((a, b) => a.entry.sequence - b.entry.sequence),
    ({ entry }) => entry.vm.context,
  );
  return [...names.values()].flatMap((own) => {
    const owner = ownerOf(own);
    return [...new Map(own.map((candidate) => [candidate.identity ?? owner, candidate])).values()];
  });
}

function pick(candidates: readonly Candidate[], selection: Selection, now: number): readonly Candidate[] {
  if (selection === 'all') return candidates;
  if (selection === 'latest') {
    const chosen = new Set(newestOfEach(candidates));
    return candidates.filter((candidate) => chosen.has(candidate));
  }
  if ('share' in selection)
    return candidates.slice(0, Math.ceil((candidates.length * Number.parseFloat(selection.share)) / 100));
  const since = now - ageMs(selection.notVerifiedFor);
  return candidates.filter(({ last }) => last < since);
}
