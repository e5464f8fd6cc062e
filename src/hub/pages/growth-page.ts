import { forecast } from '../../repository/stored-files/forecast.ts';
import { windowDays } from '../../repository/stored-files/growth.ts';
import type { HubGrowth, HubRepositories } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { addedBytes, oldestPoint } from '../../state/points/added-bytes.ts';

const dayMs = 86_400_000;

/**
 * What a repository grew by, day by day, and when it will be full. Days without a backup count, as days that added nothing; the day of
 * the oldest restore point, and today, are not whole.
 * @param offsetMs of the zone in which a day begins, to the east of UTC
 */
export function growthPage(
  state: State,
  measured: HubRepositories['repositories'][number],
  offsetMs: number,
): Omit<HubGrowth, 'version'> {
  const { repository, free, used, min_free: minFree, quota } = measured;
  const today = Math.floor((Date.now() + offsetMs) / dayMs);
  const first = today - windowDays;
  const added = new Map(
    addedBytes(state, repository, first * dayMs - offsetMs, offsetMs).map(({ day, bytes }) => [day, bytes]),
  );
  const days = Array.from({ length: windowDays + 1 }, (_, index) => added.get(first + index) ?? 0);
  const oldest = oldestPoint(state, repository);
  const since = oldest === null ? today : Math.floor((oldest + offsetMs) / dayMs) + 1;
  const whole = days.slice(Math.max(0, since - first), windowDays);
  const room =
    free === null ? null : Math.max(0, Math.min(free - minFree, quota === null ? Infinity : quota - (used ?? 0)));
  const found = forecast(whole, room);
  return {
    repository,
    first_day: new Date(first * dayMs).toISOString().slice(0, 10),
    days,
    room,
    forecast: {
      state: found.state,
      days: found.days,
      per_day: rounded(found.perDay),
      per_day_low: rounded(found.low),
      per_day_high: rounded(found.high),
      full_in_days: rounded(found.fullIn),
      earliest_days: rounded(found.earliest),
      latest_days: rounded(found.latest),
    },
  };
}

const rounded = (value: number | null): number | null =>
  value === null ? null : Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER);
