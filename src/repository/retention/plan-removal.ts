import { planUnits, type UnitPoint } from '../merge/plan-units.ts';
import type { PointDecision } from './policy.ts';

/** What becomes of a restore point. */
export interface PlannedPoint extends PointDecision {
  /** Where it goes and a point that stays is built on it: what its disks are merged into. Empty: it just goes. */
  readonly merges: readonly { readonly disk: number; readonly into: string }[];
}

/**
 * The points whose content is in doubt: those that were found broken, and those that are built on a broken disk of one.
 * @param brokenDisks numbers of the broken disks by backup id; an empty list stands for all of them
 */
export function brokenWithDependents(
  points: readonly UnitPoint[],
  brokenDisks: ReadonlyMap<string, readonly number[]>,
): Set<string> {
  const key = (id: string, number: number): string => `${number}/${id}`;
  const children = Map.groupBy(
    points.flatMap(({ backup_id: id, disks }) => disks.map(({ number, parent }) => ({ id, number, parent }))),
    ({ number, parent }) => key(parent ?? '', number),
  );
  const found = new Set<string>();
  const open: { readonly id: string; readonly number: number }[] = [];
  for (const { backup_id: id, disks } of points) {
    const numbers = brokenDisks.get(id);
    if (!numbers) continue;
    found.add(id);
    open.push(...(numbers.length > 0 ? numbers : disks.map(({ number }) => number)).map((number) => ({ id, number })));
  }
  const seen = new Set<string>();
  for (let at = open.pop(); at; at = open.pop()) {
    if (seen.has(key(at.id, at.number))) continue;
    seen.add(key(at.id, at.number));
    for (const child of children.get(key(at.id, at.number)) ?? []) {
      found.add(child.id);
      open.push(child);
    }
  }
  return found;
}

/**
 * From what retention wants to what can be done. A point that should go stays, with the reason, where it cannot be merged
 * into the points that stay and are built on it; a broken one is merged into nothing.
 */
export function planRemoval(
  points: readonly UnitPoint[],
  decisions: readonly PointDecision[],
  broken: ReadonlySet<string>,
): PlannedPoint[] {
  const remove = new Set(decisions.filter(({ keep }) => !keep).map(({ id }) => id));
  const stays = new Map<string, string>();
  for (;;) {
    const plan = planUnits(points, remove);
    const spoilt = plan.units.flatMap(({ child, drop }) =>
      child === null ? [] : drop.filter((id) => broken.has(id)).map((id) => ({ id, child })),
    );
    const held = [
      ...spoilt.map(({ id, child }) => [id, `broken, and ${child} is built on it`] as const),
      ...topmost(points, plan.stays),
    ];
    for (const [id, reason] of held) {
      remove.delete(id);
      stays.set(id, reason);
    }
    // What stays after all takes in what is below it: again, until nothing changes.
    if (held.length > 0) continue;
    const merges = Map.groupBy(
      plan.units.flatMap(({ child, disks }) =>
        disks.flatMap(({ number, run }) => run.map((id) => ({ id, disk: number, into: child ?? '' }))),
      ),
      ({ id }) => id,
    );
    return decisions.map((decision): PlannedPoint => {
      const reason = stays.get(decision.id);
      if (reason !== undefined) return { ...decision, keep: true, reasons: [reason], merges: [] };
      const own = merges.get(decision.id) ?? [];
      return { ...decision, merges: own.map(({ disk, into }) => ({ disk, into })) };
    });
  }
}

/** Of the points that have to stay those that no other one of them is built on. */
function topmost(points: readonly UnitPoint[], stays: ReadonlyMap<string, string>): [string, string][] {
  const below = new Set(
    points.filter(({ backup_id: id }) => stays.has(id)).flatMap(({ disks }) => disks.map(({ parent }) => parent)),
  );
  const found = [...stays].filter(([id]) => !below.has(id));
  return found.length > 0 ? found : [...stays];
}
