import type { HubProgress, OverallProgress } from '../../../schemas/types.ts';
import { formatTimeLeft } from '../../../view/format.ts';

/** How far a run is that goes on. */
export type RunningProgress = HubProgress['runs'][number];

/** `38 of 300, 2 failed, 12 min left` */
export function overallText({ done, failed, total, left_ms: left }: OverallProgress): string {
  const facts = [`${done} of ${total}`];
  if (failed > 0) facts.push(`${failed} failed`);
  if (left !== null && done < total) facts.push(`${formatTimeLeft(left)} left`);
  return facts.join(', ');
}

/** 0-100; null where it cannot be told yet. */
export function shareOf({ overall, bytes_done: done, bytes_total: total }: RunningProgress): number | null {
  if (overall) return overall.total === 0 ? null : Math.floor((100 * overall.done) / overall.total);
  return total === 0 ? null : Math.min(100, Math.floor((100 * done) / total));
}
