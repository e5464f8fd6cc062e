import './runs.css';
import type { JSX } from 'preact';
import type { HistoryRun, HubRuns } from '../../../schemas/types.ts';
import { formatBytes, formatDuration, subjectOf } from '../../../view/format.ts';
import { usePages } from '../../client/pages.ts';
import { runLook } from '../../design/looks.ts';
import { now } from '../../design/moment.ts';
import { Choices, Exact } from '../../design/narrowing.tsx';
import { Empty } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { shortDay } from '../status/days.ts';
import { place, setQuery } from '../../shell/router.ts';
import { useTitle } from '../../shell/titled.ts';

const columns: readonly Column<HistoryRun>[] = [
  {
    id: 'run',
    title: 'Run',
    cell: (run) => <a href={`/runs/${encodeURIComponent(run.run_id)}`}>{plain(subjectOf(run))}</a>,
  },
  { id: 'status', title: 'How it went', cell: (run) => <StatusMark look={runLook(run.status, run.warnings)} /> },
  { id: 'started', title: 'Started', cell: (run) => <Time at={run.started} /> },
  { id: 'took', title: 'Took', numeric: true, cell: (run) => tookOf(run) },
  {
    id: 'moved',
    title: 'Moved',
    numeric: true,
    cell: (run) => (run.bytes_transferred === 0 ? '' : formatBytes(run.bytes_transferred)),
  },
  { id: 'plan', title: 'Plan', cell: (run) => <Text of={run.plan} /> },
  {
    id: 'error',
    title: 'What went wrong',
    wide: true,
    cell: (run) => (run.error ? <span class="run-error excerpt">{plain(run.error.message)}</span> : ''),
  },
];

const tookOf = (run: HistoryRun): string =>
  run.duration_ms === null
    ? `${formatDuration(Math.max(0, now.value - run.started))}…`
    : formatDuration(run.duration_ms);

/** What the list can be narrowed to. */
const choices = [
  { value: '', word: 'All' },
  { value: 'running', word: 'Running' },
  { value: 'failed', word: 'Failed' },
  { value: 'succeeded', word: 'Succeeded' },
  { value: 'cancelled', word: 'Cancelled' },
] as const;

/** From one midnight of the reader to the next; null: that is no day. @param day `2026-11-21` */
function spanOf(day: string): Record<string, string> | null {
  const from = new Date(`${day}T00:00:00`);
  if (Number.isNaN(from.getTime())) return null;
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  return { since: String(from.getTime()), before: String(to.getTime()) };
}

/** All runs, the newest first. */
export function RunsScreen(): JSX.Element {
  useTitle('Runs');
  const { query } = place.value;
  const [status, plan, vm, day = ''] = ['status', 'plan', 'vm', 'day'].map((name) => query.get(name) ?? '');
  const span = spanOf(day);
  const asked = new URLSearchParams({ limit: '100', ...span });
  for (const [name, value] of Object.entries({ status, plan, vm })) if (value) asked.set(name, value);
  const list = usePages<HubRuns>(`/api/v1/runs?${asked.toString()}`, { topics: ['status'], everyMs: 3000 });
  const pages = list.pages.value;
  const runs = pages?.flatMap((page) => page.runs) ?? [];
  const narrowed = Boolean(status || plan || vm || span);
  return (
    <>
      <header class="page-head">
        <h1>Runs</h1>
        {span ? (
          <span>
            of {shortDay(day)}{' '}
            <button type="button" class="button small" onClick={() => setQuery({ day: null })}>
              Of all days
            </button>
          </span>
        ) : null}
        <Narrowing status={status ?? ''} plan={plan ?? ''} vm={vm ?? ''} />
      </header>
      <TroubleNotice of={list.trouble.value} />
      {pages === undefined ? null : runs.length === 0 ? (
        <Empty title={narrowed ? 'No run is like that.' : 'Nothing has run yet.'}>
          {narrowed ? (
            <a href="/runs">Show all runs</a>
          ) : (
            <>
              On the hub, <code>sendense-run run PLAN</code> starts a plan; the daemon starts those that have a
              schedule.
            </>
          )}
        </Empty>
      ) : (
        <section aria-label="Runs">
          <Table caption="Runs, the newest first" columns={columns} rows={runs} keyOf={(run) => run.run_id} />
          <div class="table-foot">
            <span>
              {runs.length} {runs.length === 1 ? 'run' : 'runs'}
            </span>
            {list.hasMore.value ? (
              <button type="button" class="button small" onClick={list.more}>
                Show older runs
              </button>
            ) : null}
          </div>
        </section>
      )}
    </>
  );
}

interface NarrowingProps {
  readonly status: string;
  readonly plan: string;
  readonly vm: string;
}

/** The address says what the list is narrowed to, so that it can be handed on. */
const Narrowing = ({ status, plan, vm }: NarrowingProps): JSX.Element => (
  <div class="table-tools">
    <Choices label="How they went" choices={choices} value={status} onChoose={(value) => setQuery({ status: value })} />
    <Exact label="Plan" value={plan} onFind={(name) => setQuery({ plan: name })} />
    <Exact label="VM" value={vm} onFind={(name) => setQuery({ vm: name })} />
  </div>
);
