import { SendenseError } from '../errors/sendense-error.ts';
import { durationMs, longestDuration } from '../time/duration.ts';

/** A duration of the command line, ms. @throws SendenseError `usage` */
export function durationOption(flag: string, value: unknown, least = 0): number {
  const duration = durationMs(value);
  if (duration !== undefined && duration >= least && duration <= longestDuration) return duration;
  throw new SendenseError(
    'usage',
    `${flag} ${String(value)} is not a duration from ${least}ms to 24d, for example 10m`,
  );
}
