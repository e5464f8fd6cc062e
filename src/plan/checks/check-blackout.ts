import { Cron } from 'croner';
import type { Blackout, Schedule } from '../../schemas/types.ts';
import { coversWall } from '../times/blackout-window.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { PlanDocument } from '../yaml/document.ts';
import { durationMs } from '../../time/duration.ts';

/** A Monday. */
const from = Date.UTC(2026, 0, 5);
const yearMs = 366 * 86_400_000;
const mostSlots = 400;

/** A warning where the weekly blackouts of a valid plan cover every one of its slots: it would never run, and nothing would fail. */
export function checkBlackout(document: PlanDocument, plan: object): Diagnostic[] {
  const { schedule } = plan as { readonly schedule?: Schedule };
  if (!schedule || schedule.enabled === false) return [];
  const weekly = (schedule.blackout ?? []).filter(({ start }) => start === undefined);
  if (weekly.length === 0 || !allCovered(schedule, weekly)) return [];
  const message = 'every slot of the schedule is in a blackout: the plan never runs';
  const at = { path: ['schedule', 'blackout'], part: 'value' } as const;
  return [{ ...diagnosticOf(document, { rule: 'schedule/never-runs', at, message }), severity: 'warning' }];
}

/** Its slots on the wall, with the least and the most that jitter adds. */
function allCovered({ cron, jitter }: Schedule, weekly: readonly Blackout[]): boolean {
  const latest = durationMs(jitter) ?? 0;
  const covered = (wall: number): boolean => weekly.some((entry) => coversWall(entry, wall));
  const job = new Cron(cron, { paused: true, mode: '5-or-6-parts', utcOffset: 0 });
  let slot = job.nextRun(new Date(from));
  for (let count = 0; slot !== null && slot.getTime() - from < yearMs && count < mostSlots; count++) {
    if (!covered(slot.getTime()) || !covered(slot.getTime() + latest)) return false;
    slot = job.nextRun(slot);
  }
  return true;
}
