/** Whole days that a forecast takes at least. */
export const fewestDays = 7;

/** When a repository is full if it goes on as it did. */
export interface Forecast {
  /** `not-enough`: fewer than {@link fewestDays} whole days are known; `steady`: it does not grow. */
  readonly state: 'known' | 'not-enough' | 'steady';
  /** Whole days that were counted. */
  readonly days: number;
  /** Bytes a day: the mean, and between which values it is in 95 of 100 cases. Null where `not-enough`. */
  readonly perDay: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Days until it is full: by the mean, at the earliest, at the latest. Null: never, as far as that tells. */
  readonly fullIn: number | null;
  readonly earliest: number | null;
  readonly latest: number | null;
}

/**
 * The mean of whole days, with two standard errors of the mean on either side.
 * @param days bytes that each whole day added
 * @param room bytes that may still be filled; null: not known
 */
export function forecast(days: readonly number[], room: number | null): Forecast {
  const nothing = { perDay: null, low: null, high: null, fullIn: null, earliest: null, latest: null };
  const count = days.length;
  if (count < fewestDays) return { state: 'not-enough', days: count, ...nothing };
  const mean = days.reduce((sum, bytes) => sum + bytes, 0) / count;
  const variance = days.reduce((sum, bytes) => sum + (bytes - mean) ** 2, 0) / (count - 1);
  const error = 2 * Math.sqrt(variance / count);
  const [low, high] = [Math.max(0, mean - error), mean + error];
  const until = (perDay: number): number | null => (room === null || perDay <= 0 ? null : Math.max(0, room) / perDay);
  return {
    state: mean > 0 ? 'known' : 'steady',
    days: count,
    perDay: mean,
    low,
    high,
    fullIn: until(mean),
    earliest: until(high),
    latest: until(low),
  };
}
