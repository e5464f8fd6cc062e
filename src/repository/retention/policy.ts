import { ruleNames } from '../../schemas/retention-rules.ts';
import type { Retention } from '../../schemas/types.ts';
import { ageMs } from '../../schemas/age-ms.ts';
import { periodsIn, type Periods } from './local-time.ts';

/** A restore point as retention sees it. */
export interface PolicyPoint {
  readonly id: string;
  /** When it was made, milliseconds since the epoch. */
  readonly created: number;
  /** Its place among the points of the VM, for those of one time; default: its id tells. */
  readonly sequence?: number;
  readonly protected: boolean;
  /** It, or a point that it is built on, was found broken. */
  readonly broken: boolean;
  /** A restore in place made it first, of the state that it was about to overwrite. Default: false. */
  readonly beforeRestore?: boolean;
}

export interface PointDecision {
  readonly id: string;
  readonly keep: boolean;
  /** Why it stays, each in a few words; empty where it goes. */
  readonly reasons: readonly string[];
}

type RuleName = (typeof ruleNames)[number];

/** How far the clock may be behind a restore point: clocks of hosts differ by as much, and it is no sign of a wrong one. */
export const clockTolerance = 10 * 60_000;

/** How long a backup stays that was made before a restore. */
const usualBeforeRestoreMs = 30 * 86_400_000;

/** The outermost times that a date can have, less two days: what is local must be one too. */
const furthest = 8_640_000_000_000_000 - 2 * 86_400_000;

/**
 * Decides for each point of one VM whether it stays, in the order given. Pure, and defined for every input.
 *
 * A point stays where any of these holds, and goes else:
 * - a rule keeps it: the newest sound point of each of the last N periods that have one (as restic counts: periods
 *   without a point do not count);
 * - it is younger than `minAge`, it is protected, or it is the newest sound point;
 * - it is broken, and the newest of a period that a rule reaches and that has no sound point; it does not count towards N;
 * - it was made before a restore, less than 30 days ago. No rule counts such a one as long as there is another sound one: it is a state
 *   that was given up, and takes no place of a regular one;
 * - it was made later than `now`, or at no time at all: nothing can be said of such a one, and it counts for no rule.
 * @param now milliseconds since the epoch
 * @param options.beforeRestoreMs how long one stays that was made before a restore; default: 30 days
 * @param timezone IANA name @throws RangeError where there is none of that name
 */
export function decideRetention(
  points: readonly PolicyPoint[],
  policy: Retention,
  now: number,
  timezone: string,
  { beforeRestoreMs = usualBeforeRestoreMs }: { readonly beforeRestoreMs?: number } = {},
): PointDecision[] {
  const reasons = points.map((): string[] => []);
  const keep = (at: number, reason: string): void => void reasons[at]?.push(reason);
  const periodsOf = periodsIn(timezone);
  const minAge = policy.minAge === undefined ? 0 : ageMs(policy.minAge);

  const hasRegular = points.some(({ broken, beforeRestore = false }) => !broken && !beforeRestore);
  const counted: Counted[] = [];
  for (const [at, point] of points.entries()) {
    if (point.protected) keep(at, 'protected');
    if (!(Math.abs(point.created) <= furthest)) keep(at, 'its time is unknown');
    else if (!(point.created <= now)) keep(at, 'made in the future');
    else {
      const age = now - point.created;
      const isAside = point.beforeRestore === true && hasRegular;
      if (!isAside) counted.push({ at, point, periods: periodsOf(point.created) });
      if (isAside && age < beforeRestoreMs) keep(at, 'made before a restore, less than 30 days ago');
      if (age < minAge) keep(at, `younger than ${policy.minAge}`);
    }
  }
  counted.sort(
    (a, b) =>
      b.point.created - a.point.created ||
      (b.point.sequence ?? 0) - (a.point.sequence ?? 0) ||
      (a.point.id < b.point.id ? 1 : -1),
  );

  const newest = counted.find(({ point }) => !point.broken);
  if (newest) keep(newest.at, 'newest');
  for (const rule of ruleNames) applyRule(rule, policy[rule] ?? 0, counted, keep);
  return points.map(({ id }, at) => ({ id, keep: (reasons[at]?.length ?? 0) > 0, reasons: reasons[at] ?? [] }));
}

interface Counted {
  /** Place among the points given. */
  readonly at: number;
  readonly point: PolicyPoint;
  readonly periods: Periods;
}

/** Newest first, so that the first of each period is its newest. */
function applyRule(
  rule: RuleName,
  count: number,
  newestFirst: readonly Counted[],
  keep: (at: number, reason: string) => void,
): void {
  if (count <= 0) return;
  const keyOf = ({ at, periods }: Counted): string => (rule === 'last' ? String(at) : periods[rule]);
  let found = 0;
  // Not only neighbours share a period: a clock that is put back over midnight shows a day twice.
  for (const [key, period] of Map.groupBy(newestFirst, keyOf)) {
    const kept = period.find(({ point }) => !point.broken) ?? period[0];
    if (!kept) continue;
    const { broken } = kept.point;
    if (!broken) found++;
    const which = rule === 'last' ? (broken ? '' : ` ${found}`) : ` ${key.replace(/h[+-].*/, 'h')}`;
    keep(kept.at, `${rule}${which}${broken ? ', broken' : ''}`);
    if (found >= count) return;
  }
}
