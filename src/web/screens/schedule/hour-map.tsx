import type { JSX } from 'preact';
import type { HubTimetable, TimetableBlackout } from '../../../schemas/types.ts';
import { now } from '../../design/moment.ts';
import { plain } from '../../design/text.tsx';
import { place } from '../../shell/router.ts';
import { wide } from '../../shell/wide.ts';
import { clock, dayTitle, entriesOf, wentWrong, type Entry, type Week } from './week.ts';

const hourMs = 3_600_000;
/** On phones a column is several hours. */
const hoursByWidth = [3, 1, 1] as const;

interface HourMapProps {
  readonly timetable: HubTimetable;
  readonly week: Week;
}

/** How many runs begin in each hour of the week, and when none may. */
export function HourMap({ timetable, week }: HourMapProps): JSX.Element {
  const hours = hoursByWidth[wide.value];
  const entries = timetable.plans.flatMap(entriesOf);
  const bins = Array.from({ length: 24 / hours }, (_, index) => index * hours);
  return (
    <section class="block" aria-labelledby="hours">
      <h2 id="hours">Runs by the hour</h2>
      <table class="hour-map">
        <thead>
          <tr>
            <th scope="col">
              <span class="only-read">Day</span>
            </th>
            {bins.map((hour) => (
              <th key={hour} scope="col">
                {String(hour).padStart(2, '0')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {week.days.slice(0, 7).map((day) => (
            <tr key={day} class={new Date(now.value).toDateString() === new Date(day).toDateString() ? 'today' : ''}>
              <th scope="row">{dayTitle(day)}</th>
              {bins.map((hour) => {
                // Days at which the clock changes have hours of their own.
                const from = new Date(day).setHours(hour);
                const to = new Date(day).setHours(hour + hours);
                return (
                  <Hour
                    key={hour}
                    from={from}
                    hours={hours}
                    entries={entries.filter(({ at }) => at >= from && at < to)}
                    blackouts={timetable.blackouts.filter((one) => one.from < to && one.to > from)}
                  />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="soft hour-legend">
        <span>
          <span class="swatch level-3 over" /> began
        </span>
        <span>
          <span class="swatch level-3" /> will begin
        </span>
        <span>
          <span class="swatch hatched" /> blackout: plans that have it do not begin
        </span>
        <span>
          <span class="swatch-bad">!</span> a run failed or was missed
        </span>
      </p>
    </section>
  );
}

interface HourProps {
  readonly from: number;
  readonly hours: number;
  readonly entries: readonly Entry[];
  readonly blackouts: readonly TimetableBlackout[];
}

function Hour({ from, hours, entries, blackouts }: HourProps): JSX.Element {
  const begin = entries.filter(({ outcome }) => outcome !== 'hindered');
  const wrong = begin.filter(({ outcome }) => wentWrong(outcome)).length;
  const level = begin.length === 0 ? 0 : Math.min(4, 1 + Math.floor(Math.log2(begin.length) / 1.5));
  const chosen = place.value.query.get('hour') === String(from);
  const words = [
    `${dayTitle(from)} ${clock(from)}: ${begin.length} ${begin.length === 1 ? 'run' : 'runs'}`,
    ...(wrong > 0 ? [`${wrong} went wrong`] : []),
    ...blackouts.map(
      ({ reason, plans }) =>
        `blackout of ${plans} ${plans === 1 ? 'plan' : 'plans'}${reason === null ? '' : `: ${plain(reason)}`}`,
    ),
  ].join('; ');
  const classes = [
    `level-${level}`,
    blackouts.length > 0 ? 'hatched' : '',
    from + hours * hourMs <= now.value ? 'over' : '',
  ].join(' ');
  return (
    <td class={classes} title={words}>
      {begin.length === 0 ? (
        blackouts.length > 0 ? (
          <span class="only-read">{words}</span>
        ) : null
      ) : (
        <a href={hourAddress(from, hours)} aria-label={words} aria-current={chosen ? 'true' : undefined}>
          {begin.length}
          {wrong > 0 ? <span class="wrong">!</span> : null}
        </a>
      )}
    </td>
  );
}

function hourAddress(from: number, hours: number): string {
  const query = new URLSearchParams(place.value.query);
  query.set('hour', String(from));
  if (hours === 1) query.delete('hours');
  else query.set('hours', String(hours));
  return `/schedule?${query.toString()}`;
}
