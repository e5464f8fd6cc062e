import type { Settings, TimetableConflict } from '../../schemas/types.ts';

/** A run that will begin, and how long it will take if it takes as long as the last one. */
export interface Begins {
  readonly plan: string;
  readonly at: number;
  readonly until: number;
  /** Only one run that has it goes on at a time; null: it takes none. */
  readonly lock: string | null;
  readonly node: string | null;
  readonly repository: string | null;
}

const mostConflicts = 50;
const mostPlans = 20;

/** Where runs will wait for others, the earliest first. */
export function conflictsOf(all: readonly Begins[], limits: Settings['limits']): TimetableConflict[] {
  const { runs, runsPerNode, runsPerRepository } = limits;
  const perPlace = (most: number | undefined, of: 'node' | 'repository'): TimetableConflict[] =>
    most === undefined
      ? []
      : [...Map.groupBy(all, (one) => one[of])].flatMap(([place, those]) =>
          place === null ? [] : tooMany(those, most, `${of} ${place}`),
        );
  return [
    ...sameVm(all),
    ...(runs === undefined ? [] : tooMany(all, runs, 'the hub')),
    ...perPlace(runsPerNode, 'node'),
    ...perPlace(runsPerRepository, 'repository'),
  ]
    .toSorted((a, b) => a.at - b.at)
    .slice(0, mostConflicts);
}

/** Plans whose runs overlap and work on one VM: one has to wait, or is skipped. */
function sameVm(all: readonly Begins[]): TimetableConflict[] {
  const found = new Map<string, { at: number; times: number; plans: string[]; lock: string }>();
  for (const [lock, those] of Map.groupBy(all, (one) => one.lock)) {
    if (lock === null || new Set(those.map(({ plan }) => plan)).size < 2) continue;
    const sorted = those.toSorted((a, b) => a.at - b.at);
    for (const [index, one] of sorted.entries())
      for (let next = index + 1; next < sorted.length; next++) {
        const other = sorted[next];
        if (!other || (other.at >= one.until && other.at > one.at)) break;
        if (other.plan === one.plan) continue;
        const plans = [one.plan, other.plan].toSorted();
        const key = plans.join(' ');
        const known = found.get(key);
        if (known) known.times++;
        else found.set(key, { at: other.at, times: 1, plans, lock });
      }
  }
  return [...found.values()].map(({ lock: _lock, ...one }) => ({
    kind: 'vm',
    ...one,
    message: `${one.plans.join(' and ')} work on the same VM at the same time: the second waits for the first, or is skipped.`,
  }));
}

/** Spans in which more runs want to go on than may. */
function tooMany(all: readonly Begins[], most: number, where: string): TimetableConflict[] {
  const edges = all
    // A run that nobody knows the length of takes a minute.
    .flatMap((one) => [
      { at: one.at, add: 1, plan: one.plan },
      { at: Math.max(one.until, one.at + 60_000), add: -1, plan: one.plan },
    ])
    .toSorted((a, b) => a.at - b.at || a.add - b.add);
  const found: TimetableConflict[] = [];
  const going = new Map<string, number>();
  let [count, peak, since] = [0, 0, 0];
  let plans = new Set<string>();
  for (const { at, add, plan } of edges) {
    count += add;
    going.set(plan, (going.get(plan) ?? 0) + add);
    if (going.get(plan) === 0) going.delete(plan);
    if (count > most) {
      if (plans.size === 0) [since, peak, plans] = [at, 0, new Set(going.keys())];
      plans.add(plan);
      peak = Math.max(peak, count);
    } else if (plans.size > 0) {
      const message = `${peak} runs want to go on at once; ${where} lets ${most} (limits), the others wait.`;
      found.push({ kind: 'limit', at: since, times: 1, plans: [...plans].toSorted().slice(0, mostPlans), message });
      plans = new Set();
    }
  }
  return found;
}
