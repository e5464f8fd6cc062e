import { Cron } from 'croner';
import type { Schedule } from '../../schemas/types.ts';
import { ageMs } from '../../schemas/age-ms.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { PlanDocument } from '../yaml/document.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** A warning where a valid plan cannot keep its `rpo`, because its schedule leaves more time between two slots. */
export function checkRpo(document: PlanDocument, plan: object): Diagnostic[] {
  const { rpo, schedule } = plan as { readonly rpo?: string; readonly schedule?: Schedule };
  if (rpo === undefined || !schedule || schedule.enabled === false) return [];
  let gap = gaps.get(schedule.cron);
  if (gap === undefined) gaps.set(schedule.cron, (gap = longestGap(schedule.cron)));
  if (gap <= ageMs(rpo)) return [];
  const message = `rpo of ${rpo} is less than the ${spanText(gap)} between two slots of the schedule`;
  return [
    {
      ...diagnosticOf(document, { rule: 'schedule/rpo', at: { path: ['rpo'], part: 'value' }, message }),
      severity: 'warning',
    },
  ];
}

/** By expression: many plans share one. */
const gaps = new Map<string, number>();

/** A Monday: a week is begun with, so that few slots show what it holds. */
const from = Date.UTC(2026, 0, 5);
const mostSlots = 200;

/** The longest time between two slots among the first of a year, ms; 0 where there are no two. */
function longestGap(cron: string): number {
  const job = new Cron(cron, { paused: true, mode: '5-or-6-parts', utcOffset: 0 });
  let longest = 0;
  let last = job.nextRun(new Date(from));
  for (let count = 0; last !== null && count < mostSlots; count++) {
    const next: Date | null = job.nextRun(last);
    if (next) longest = Math.max(longest, next.getTime() - last.getTime());
    last = next && next.getTime() - from < 366 * day ? next : null;
  }
  return longest;
}

function spanText(ms: number): string {
  if (ms % day === 0 && ms >= 3 * day) return `${ms / day}d`;
  return ms % hour === 0 ? `${ms / hour}h` : `${Math.round(ms / 60_000)}m`;
}
