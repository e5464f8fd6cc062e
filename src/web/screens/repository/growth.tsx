import type { JSX } from 'preact';
import type { HubGrowth } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { TroubleNotice } from '../../design/trouble.tsx';
import { dayAfter, shortDay } from '../status/days.ts';

/** What restore points added, day by day, and when that fills the repository. */
export function Growth({ name }: { readonly name: string }): JSX.Element {
  const path = `/api/v1/repositories/${encodeURIComponent(name)}/growth?offset=${-new Date().getTimezoneOffset()}`;
  const live = useLive<HubGrowth>(path, { topics: ['status'], everyMs: 30_000 });
  const data = live.data.value;
  return (
    <section class="block" aria-labelledby="growth">
      <h2 id="growth">Growth</h2>
      <TroubleNotice of={live.trouble.value} />
      {data ? (
        <>
          <Sentence growth={data} />
          <Bars growth={data} />
        </>
      ) : null}
    </section>
  );
}

function Sentence({ growth: { forecast, room } }: { readonly growth: HubGrowth }): JSX.Element {
  const { state, days, per_day: perDay, per_day_low: low, per_day_high: high } = forecast;
  if (state === 'not-enough')
    return (
      <p>
        Not enough history for a forecast: {days} whole {days === 1 ? 'day is' : 'days are'} known, seven are needed.
      </p>
    );
  if (state === 'steady') return <p>It does not grow: the last {days} whole days added nothing.</p>;
  return (
    <>
      <p class="forecast">{fullWords(forecast, room)}</p>
      <p class="soft">
        It grew by {formatBytes(perDay ?? 0)} a day, between {formatBytes(low ?? 0)} and {formatBytes(high ?? 0)}: the
        mean of {days} whole days, and two standard errors of it on either side. The first restore point of each VM, and
        those that were pruned, do not count. What somebody else writes there does not either.
      </p>
    </>
  );
}

function fullWords(
  { full_in_days: mean, earliest_days: earliest, latest_days: latest }: HubGrowth['forecast'],
  room: number | null,
): string {
  if (room === 0) return 'It is full now.';
  if (mean === null || earliest === null) return 'How much room there is is not known.';
  const about = `Full in about ${inWords(mean)}`;
  return latest === null
    ? `${about}, at the earliest in ${inWords(earliest)}, perhaps never.`
    : `${about}: between ${inWords(earliest)} and ${inWords(latest)}.`;
}

/** No more precise than it is. */
function inWords(days: number): string {
  if (days < 1) return 'a day';
  if (days < 60) return `${days} ${days === 1 ? 'day' : 'days'}`;
  return days < 730
    ? `${Math.round(days / 30)} months`
    : days < 36_500
      ? `${Math.round(days / 365)} years`
      : 'a century';
}

function Bars({ growth: { days, first_day: first } }: { readonly growth: HubGrowth }): JSX.Element {
  const tallest = Math.max(0, ...days);
  return (
    <>
      <p class="soft growth-scale">Bytes that each day added; the tallest bar is {formatBytes(tallest)}.</p>
      <ol class="growth-bars" aria-label="Bytes that each day added">
        {days.map((bytes, index) => {
          const day = shortDay(dayAfter(first, index));
          return (
            <li key={day} title={`${day}: ${formatBytes(bytes)}`}>
              <span
                style={{ blockSize: `${(bytes / Math.max(1, tallest)) * 100}%` }}
                class={index === days.length - 1 ? 'today' : ''}
              />
              <span class="only-read">
                {day}: {formatBytes(bytes)}
              </span>
              {index % 10 === 0 ? <small aria-hidden="true">{index === days.length - 1 ? 'today' : day}</small> : null}
            </li>
          );
        })}
      </ol>
    </>
  );
}
