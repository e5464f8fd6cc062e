import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { TimetablePlan } from '../../../schemas/types.ts';
import { formatDuration } from '../../../view/format.ts';
import { may } from '../../client/session.ts';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { NamedLink } from '../../shell/named-link.tsx';
import { Backfill } from './backfill.tsx';
import { PauseOrResume } from './pause.tsx';
import { clock, dayTitle, entriesOf, type Entry, type Outcome, type Week } from './week.ts';

/** Rows that are shown at first. */
const fewRows = 100;
/** Times of a day that a cell shows. */
const fewTimes = 3;

const idle = (word: string): Look => ({ shape: 'slash', tone: 'idle', word });
const outcomeLooks: Readonly<Record<Outcome, Look>> = {
  coming: { shape: 'dot', tone: 'idle', word: 'begins' },
  hindered: idle('kept from beginning by a blackout'),
  waiting: { shape: 'bars', tone: 'idle', word: 'waits' },
  claimed: { shape: 'arc', tone: 'busy', word: 'begins' },
  running: { shape: 'arc', tone: 'busy', word: 'runs' },
  succeeded: { shape: 'check', tone: 'good', word: 'succeeded' },
  failed: { shape: 'cross', tone: 'bad', word: 'failed' },
  crashed: { shape: 'cross', tone: 'bad', word: 'crashed' },
  cancelled: idle('cancelled'),
  missed: { shape: 'clock', tone: 'warn', word: 'missed' },
  skipped: idle('skipped'),
  paused: { shape: 'bars', tone: 'idle', word: 'paused' },
  blackout: idle('blackout'),
};

interface PlanWeeksProps {
  readonly plans: readonly TimetablePlan[];
  readonly week: Week;
  /** Something was changed. */
  again(): void;
}

/** A row for each plan, a column for each day. */
export function PlanWeeks({ plans, week, again }: PlanWeeksProps): JSX.Element {
  const all = useSignal(false);
  const shown = all.value ? plans : plans.slice(0, fewRows);
  const columns: readonly Column<TimetablePlan>[] = [
    { id: 'plan', title: 'Plan', cell: (plan) => <About plan={plan} /> },
    ...week.days.slice(0, 7).map((day, index): Column<TimetablePlan> => ({
      id: String(day),
      title: dayTitle(day),
      cell: (plan) => cellOf(entriesOf(plan).filter(({ at }) => at >= day && at < (week.days[index + 1] ?? day))),
    })),
    { id: 'next', title: 'Next', cell: ({ next }) => <Time at={next} none="none" /> },
    {
      id: 'takes',
      title: 'Takes',
      numeric: true,
      cell: ({ takes }) => (takes === null ? '' : formatDuration(takes)),
    },
    ...(may('operate')
      ? [
          {
            id: 'act',
            title: 'Act',
            numeric: true,
            cell: (plan: TimetablePlan) => (
              <span class="row-acts">
                <PauseOrResume plan={plan} onDone={again} />
                {plan.cron === null ? null : <Backfill plan={plan} onDone={again} />}
              </span>
            ),
          },
        ]
      : []),
  ];
  return (
    <>
      <Table caption="Plans and days" columns={columns} rows={shown} keyOf={({ plan }) => plan} />
      {shown.length < plans.length ? (
        <p>
          <button type="button" class="button small" onClick={() => (all.value = true)}>
            Show all {plans.length} plans
          </button>
        </p>
      ) : null}
    </>
  );
}

const About = ({ plan }: { readonly plan: TimetablePlan }): JSX.Element => (
  <div class="plan-about">
    <NamedLink kind="plan" name={plan.plan} />
    {plan.cron === null ? null : (
      <span class="soft">
        <span class="mono">{plain(plan.cron)}</span> {plain(plan.timezone ?? '')}
      </span>
    )}
    {plan.paused ? (
      <span>
        <StatusMark look={{ shape: 'bars', tone: 'warn', word: 'paused' }} />{' '}
        <span class="soft">
          <Time at={plan.paused.since} /> {plain(plan.paused.reason)}
        </span>
      </span>
    ) : plan.error === null && !plan.enabled ? (
      <StatusMark look={idle('off')} />
    ) : null}
    {plan.error === null ? null : (
      <span>
        <StatusMark look={{ shape: 'cross', tone: 'bad', word: 'not valid' }} />{' '}
        <span class="soft">{plain(plan.error)}</span>
      </span>
    )}
  </div>
);

/** The newest of the past and the first of what comes, where there are many. */
function cellOf(entries: readonly Entry[]): JSX.Element | null {
  if (entries.length === 0) return null;
  const past = entries.filter(({ outcome }) => outcome !== 'coming' && outcome !== 'hindered');
  const shown =
    entries.length <= fewTimes ? entries : [...past.slice(-2), ...entries.slice(past.length)].slice(0, fewTimes);
  return (
    <ul class="slots">
      {shown.map((entry) => (
        <li key={entry.at} class={entry.outcome}>
          <StatusMark look={outcomeLooks[entry.outcome]} bare />
          {entry.run === null ? (
            <span>{clock(entry.at)}</span>
          ) : (
            <a href={`/runs/${encodeURIComponent(entry.run)}`}>{clock(entry.at)}</a>
          )}
        </li>
      ))}
      {shown.length < entries.length ? <li class="soft">and {entries.length - shown.length} more</li> : null}
    </ul>
  );
}
