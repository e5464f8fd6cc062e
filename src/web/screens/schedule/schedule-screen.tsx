import './schedule.css';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { HubTimetable, TimetablePlan } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { now } from '../../design/moment.ts';
import { Choices, Find } from '../../design/narrowing.tsx';
import { Empty } from '../../design/notice.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { place, setQuery } from '../../shell/router.ts';
import { useTitle } from '../../shell/titled.ts';
import { Conflicts } from './conflicts.tsx';
import { HourMap } from './hour-map.tsx';
import { NextRuns } from './next-runs.tsx';
import { PlanWeeks } from './plan-weeks.tsx';
import { clock, dayTitle, entriesOf, mondayOf, needsYou, weekOf, weekTitle, type Week } from './week.ts';

const choices = [
  { value: '', word: 'All', fits: () => true },
  { value: 'wrong', word: 'Needs you', fits: needsYou },
  { value: 'paused', word: 'Paused', fits: ({ paused }: TimetablePlan) => paused !== null },
] as const;

const hourMs = 3_600_000;

/** A week of all plans: what ran, what comes, what may not begin, what gets in the way of what. */
export function ScheduleScreen(): JSX.Element {
  useTitle('Schedule');
  const { query } = place.value;
  const today = new Date(now.value).toDateString();
  const week = useMemo(() => weekOf(query.get('week'), now.value), [query.get('week'), today]);
  const live = useLive<HubTimetable>(`/api/v1/timetable?from=${week.from}&to=${week.to}`, {
    topics: ['status'],
    everyMs: 10_000,
  });
  const data = live.data.value;
  const begin = Number(query.get('hour') ?? 0);
  const plans = data ? narrowed(data.plans, { query, begin }) : [];
  return (
    <>
      <header class="page-head">
        <h1>Schedule</h1>
        <WeekChoice week={week} />
      </header>
      <TroubleNotice of={live.trouble.value} />
      {data === undefined ? null : data.plans.length === 0 ? (
        <NoSchedules />
      ) : (
        <>
          <div class="schedule-top">
            <NextRuns plans={data.plans} />
            <Conflicts conflicts={data.conflicts} />
          </div>
          <HourMap timetable={data} week={week} />
          <section class="block" aria-labelledby="plans">
            <div class="block-head">
              <h2 id="plans">Plans</h2>
              <div class="table-tools">
                {begin > 0 ? (
                  <button type="button" class="button small" onClick={() => setQuery({ hour: null })}>
                    {dayTitle(begin)}, {clock(begin)}: show all
                  </button>
                ) : null}
                <Choices
                  label="Which plans"
                  choices={choices}
                  value={query.get('show') ?? ''}
                  onChoose={(show) => setQuery({ show })}
                />
                <Find label="Find a plan or VM" value={query.get('find') ?? ''} onFind={(find) => setQuery({ find })} />
              </div>
            </div>
            {plans.length === 0 ? (
              <Empty title="No plan is like that.">
                <a href="/schedule">Show all plans</a>
              </Empty>
            ) : (
              <PlanWeeks plans={plans} week={week} again={live.again} />
            )}
          </section>
        </>
      )}
    </>
  );
}

function narrowed(
  plans: readonly TimetablePlan[],
  { query, begin }: { readonly query: URLSearchParams; readonly begin: number },
): readonly TimetablePlan[] {
  const { fits } = choices.find(({ value }) => value === query.get('show')) ?? choices[0];
  const wanted = (query.get('find') ?? '').toLowerCase();
  const hours = Number(query.get('hours') ?? 1);
  return plans.filter(
    (plan) =>
      fits(plan) &&
      `${plan.plan} ${plan.vm ?? ''}`.toLowerCase().includes(wanted) &&
      (begin === 0 || entriesOf(plan).some(({ at }) => at >= begin && at < begin + hours * hourMs)),
  );
}

const WeekChoice = ({ week }: { readonly week: Week }): JSX.Element => (
  <div class="table-tools week-choice">
    <a class="button small" href={`/schedule?week=${mondayOf(week, -1)}`} aria-label="The week before">
      ‹
    </a>
    <strong>{weekTitle(week)}</strong>
    <a class="button small" href={`/schedule?week=${mondayOf(week, 1)}`} aria-label="The week after">
      ›
    </a>
    <a class="button small" href="/schedule">
      This week
    </a>
  </div>
);

const NoSchedules = (): JSX.Element => (
  <Empty title="No plan has a schedule yet.">
    Add <code>schedule: {'{ cron: "30 1 * * *" }'}</code> to a plan in the folder that the daemon watches. It begins
    with the next slot; <code>sendense-run schedule next</code> says when that is. Is there one already? Then look
    whether the daemon runs: <code>systemctl status sendense-daemon</code>.
  </Empty>
);
