import { SendenseError } from '../errors/sendense-error.ts';
import { ageMs, monthsNotMinutes } from '../schemas/age-ms.ts';

/** `7d`, `36h`, or a time that JavaScript reads (`2026-11-01`, `2026-11-01T08:00`) -> milliseconds since the epoch. @throws SendenseError `usage` */
export function sinceOf(text: string, now = Date.now(), flag = '--since'): number {
  const span = /^[0-9]{1,6}(h|d|w|mo|y)$/.test(text) ? ageMs(text) : undefined;
  // A date alone is UTC for Date.parse; people mean theirs.
  const time =
    span === undefined ? Date.parse(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? `${text}T00:00` : text) : now - span;
  if (Number.isFinite(time)) return Math.max(0, time);
  throw new SendenseError('usage', `${flag} ${text} is not a time`, {
    remedy: monthsNotMinutes(text) ?? 'Write how long ago (36h, 7d, 2w) or when (2026-11-01, 2026-11-01T08:00).',
  });
}
