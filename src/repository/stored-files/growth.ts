const dayMs = 86_400_000;

/** How far back growth is looked at. */
export const windowDays = 30;

export interface GrowthPoint {
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** Of its files. */
  readonly bytes: number;
  /** Nothing of this VM was there before: it is not growth that goes on. */
  readonly first: boolean;
}

/**
 * Bytes a day that restore points of the last 30 days add; null where they span less than a day. What prunes took away
 * does not count: it is what the repository would grow by without them.
 */
export function growthPerDay(points: readonly GrowthPoint[], now: number): number | null {
  const oldest = Math.min(...points.map(({ created }) => created));
  const since = Math.max(oldest, now - windowDays * dayMs);
  if (points.length === 0 || now - since < dayMs) return null;
  const added = points.filter(({ created, first }) => created >= since && !first);
  return (added.reduce((sum, { bytes }) => sum + bytes, 0) / (now - since)) * dayMs;
}

/** Days until `room` bytes are gone; null where that cannot be told. */
export const daysUntilFull = (room: number, perDay: number | null): number | null =>
  perDay === null || perDay <= 0 ? null : Math.max(0, room) / perDay;
