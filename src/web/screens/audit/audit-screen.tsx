import './audit.css';
import type { JSX } from 'preact';
import type { AuditOutput } from '../../../schemas/types.ts';
import { formatDuration } from '../../../view/format.ts';
import { usePages } from '../../client/pages.ts';
import { now } from '../../design/moment.ts';
import { Choices, Exact } from '../../design/narrowing.tsx';
import { Empty } from '../../design/notice.tsx';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { place, setQuery } from '../../shell/router.ts';
import { useTitle } from '../../shell/titled.ts';
import { Facts } from './facts.tsx';

type Entry = AuditOutput['entries'][number];

const callers: Readonly<Record<string, string>> = {
  'session': 'logged in',
  'api-token': 'token',
  'file-token': "the hub's token",
  'nobody': 'not logged in',
  'command': 'command on the hub',
  'files': 'files',
};

function lookOf({ error, ended, status }: Entry): Look {
  if (error !== null) return { shape: 'cross', tone: 'bad', word: plain(error) };
  if (ended === null) return { shape: 'arc', tone: 'busy', word: 'goes on' };
  return status !== null && status >= 400
    ? { shape: 'cross', tone: 'bad', word: `refused (${status})` }
    : { shape: 'check', tone: 'good', word: 'done' };
}

/** `runPlan` -> `Run plan` */
function inWords(action: string): string {
  const words = plain(action)
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return `${words[0]?.toUpperCase() ?? ''}${words.slice(1)}`;
}

/** The same list, of this only. */
function only(name: string, value: string): string {
  const query = new URLSearchParams(place.value.query);
  query.set(name, value);
  return `/audit?${query.toString()}`;
}

const columns: readonly Column<Entry>[] = [
  { id: 'what', title: 'What', cell: ({ action }) => <a href={only('action', action)}>{inWords(action)}</a> },
  {
    id: 'who',
    title: 'Who',
    cell: ({ who, caller }) => (
      <span>
        {who === '' ? (
          <span class="soft">unknown</span>
        ) : (
          <a href={only('who', who)}>
            <Text of={who} />
          </a>
        )}{' '}
        {/* Who logs in was nobody before; that it is so says nothing. */}
        <span class="soft">{caller === 'nobody' && who !== '' ? '' : (callers[caller] ?? plain(caller))}</span>
      </span>
    ),
  },
  { id: 'about', title: 'About', wide: true, cell: ({ facts }) => <Facts of={facts} /> },
  { id: 'outcome', title: 'Outcome', cell: (entry) => <StatusMark look={lookOf(entry)} /> },
  { id: 'at', title: 'When', cell: ({ at }) => <Time at={at} /> },
  {
    id: 'took',
    title: 'Took',
    numeric: true,
    cell: ({ at, ended }) => (ended === null ? '' : formatDuration(Math.max(0, ended - at))),
  },
  { id: 'from', title: 'From', named: true, cell: ({ address }) => (address === null ? '' : <Text of={address} />) },
];

const spans = [
  { value: '', word: 'All' },
  { value: '1', word: 'Last day' },
  { value: '7', word: '7 days' },
  { value: '30', word: '30 days' },
] as const;

const outcomes = [
  { value: '', word: 'All' },
  { value: 'failed', word: 'Failed' },
] as const;

const [hour, day] = [3_600_000, 86_400_000];

/** What the address asks for, as the hub is asked. */
function questionOf(query: URLSearchParams): string {
  const asked = new URLSearchParams({ limit: '200' });
  for (const name of ['who', 'action', 'outcome']) if (query.get(name)) asked.set(name, query.get(name) ?? '');
  const days = Number(query.get('days') ?? 0);
  // From a whole hour on: the question stays the same for a while.
  if (days > 0) asked.set('since', String(Math.floor(now.value / hour) * hour - days * day));
  return `/api/v1/audit?${asked.toString()}`;
}

/** Who changed what, who logged in, who read which files. */
export function AuditScreen(): JSX.Element {
  useTitle('Audit');
  const { query } = place.value;
  const list = usePages<AuditOutput>(questionOf(query), { topics: ['status'], everyMs: 10_000 });
  const entries = list.pages.value?.flatMap((page) => page.entries);
  return (
    <>
      <header class="page-head">
        <h1>Audit</h1>
        <div class="table-tools">
          <Choices
            label="Since"
            choices={spans}
            value={query.get('days') ?? ''}
            onChoose={(days) => setQuery({ days })}
          />
          <Choices
            label="Outcome"
            choices={outcomes}
            value={query.get('outcome') ?? ''}
            onChoose={(outcome) => setQuery({ outcome })}
          />
          <Exact
            label="Who"
            placeholder="User or token"
            value={query.get('who') ?? ''}
            onFind={(who) => setQuery({ who })}
          />
          <Exact
            label="Action"
            placeholder="Action, such as runPlan"
            value={query.get('action') ?? ''}
            onFind={(action) => setQuery({ action })}
          />
        </div>
      </header>
      <TroubleNotice of={list.trouble.value} />
      {entries === undefined ? null : entries.length === 0 ? (
        <Empty title="No entry is like that.">
          <a href="/audit">Show all entries</a>
        </Empty>
      ) : (
        <section aria-label="Entries">
          <Table caption="Audit log, the newest first" columns={columns} rows={entries} keyOf={({ id }) => id} />
          <div class="table-foot">
            <span>
              {entries.length} {entries.length === 1 ? 'entry' : 'entries'}
            </span>
            {list.hasMore.value ? (
              <button type="button" class="button small" onClick={list.more}>
                Show older entries
              </button>
            ) : null}
          </div>
        </section>
      )}
    </>
  );
}
