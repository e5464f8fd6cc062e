import type { PolicyPoint } from '../../../src/repository/retention/policy.ts';
import type { Retention } from '../../../src/schemas/types.ts';

/**
 * Retention once more, by the sentences of docs/retention.md and without a line of the real one: each point is asked by
 * itself whether any sentence keeps it. Slow, and simple enough to be believed.
 */
export function keptByModel(points: readonly PolicyPoint[], policy: Retention, now: number, zone: string): string[] {
  const past = points.filter(({ created }) => created <= now);
  const later = (a: PolicyPoint, b: PolicyPoint): boolean =>
    a.created === b.created ? a.id > b.id : a.created > b.created;
  const newestOf = (some: readonly PolicyPoint[]): PolicyPoint | undefined =>
    some.find((one) => !some.some((other) => later(other, one)));
  const sound = past.filter(({ broken }) => !broken);

  const keptByRule = (point: PolicyPoint, count: number, periodOf: (point: PolicyPoint) => string): boolean => {
    if (count === 0) return false;
    const periods = [...new Set(past.map(periodOf))].map((name) => past.filter((one) => periodOf(one) === name));
    const own = periods.find((members) => members.includes(point)) ?? [];
    const ownSound = own.filter(({ broken }) => !broken);
    const best = newestOf(ownSound.length > 0 ? ownSound : own);
    const after = periods.filter((members) => {
      const [theirs, ours] = [newestOf(members), newestOf(own)];
      return theirs && ours && later(theirs, ours) && members.some(({ broken }) => !broken);
    });
    return best === point && after.length < count;
  };

  return points
    .filter((point) => {
      if (point.protected || point.created > now) return true;
      if (newestOf(sound) === point) return true;
      if (policy.minAge !== undefined && now - point.created < spanOf(policy.minAge)) return true;
      const wall = (one: PolicyPoint): string => wallClock(one.created, zone);
      return (
        keptByRule(point, policy.last ?? 0, ({ id }) => id) ||
        keptByRule(point, policy.hourly ?? 0, (one) => `${wall(one).slice(0, 13)} ${wall(one).split(' ')[2]}`) ||
        keptByRule(point, policy.daily ?? 0, (one) => wall(one).slice(0, 10)) ||
        keptByRule(point, policy.weekly ?? 0, (one) => mondayOf(wall(one).slice(0, 10))) ||
        keptByRule(point, policy.monthly ?? 0, (one) => wall(one).slice(0, 7)) ||
        keptByRule(point, policy.yearly ?? 0, (one) => wall(one).slice(0, 4))
      );
    })
    .map(({ id }) => id);
}

/** `2026-11-20 13:45:00 GMT+1` */
const wallClock = (time: number, zone: string): string => {
  let format = formats.get(zone);
  if (!format)
    formats.set(
      zone,
      (format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'long' })),
    );
  return format.format(time);
};

const formats = new Map<string, Intl.DateTimeFormat>();

/** The Monday of a day's week, by walking back to it. */
function mondayOf(day: string): string {
  const date = new Date(`${day}T12:00:00Z`);
  while (date.getUTCDay() !== 1) date.setUTCDate(date.getUTCDate() - 1);
  return date.toISOString().slice(0, 10);
}

function spanOf(text: string): number {
  const days = { h: 1 / 24, d: 1, w: 7, m: 30, y: 365 }[text.slice(-1)] ?? Number.NaN;
  return Number(text.slice(0, -1)) * days * 86_400_000;
}
