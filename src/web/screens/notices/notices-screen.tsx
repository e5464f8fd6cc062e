import './notices.css';
import type { JSX } from 'preact';
import type { HubNotices } from '../../../schemas/types.ts';
import { usePages } from '../../client/pages.ts';
import { Choices, Exact } from '../../design/narrowing.tsx';
import { Empty } from '../../design/notice.tsx';
import { LongText } from '../../design/long-text.tsx';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { About } from '../../shell/about.tsx';
import { place, setQuery } from '../../shell/router.ts';
import { useTitle } from '../../shell/titled.ts';
import { Channels } from './channels.tsx';
import { Deliveries } from './deliveries.tsx';

type Told = HubNotices['notices'][number];

const eventLooks: Readonly<Record<string, Look>> = {
  'success': { shape: 'check', tone: 'good', word: 'success' },
  'warning': { shape: 'triangle', tone: 'warn', word: 'warning' },
  'failure': { shape: 'cross', tone: 'bad', word: 'failure' },
  'rpo': { shape: 'clock', tone: 'warn', word: 'late' },
  'invalid-plan': { shape: 'cross', tone: 'bad', word: 'plan not valid' },
};

const lookOf = (event: string): Look =>
  eventLooks[event] ?? { shape: 'dot', tone: 'idle', word: plain(event.replaceAll('-', ' ')) };

const columns: readonly Column<Told>[] = [
  {
    id: 'what',
    title: 'Notice',
    wide: true,
    cell: ({ message }) => (
      <span class="told">
        <LongText of={message} />
      </span>
    ),
  },
  { id: 'event', title: 'About', cell: ({ event }) => <StatusMark look={lookOf(event)} /> },
  { id: 'time', title: 'When', cell: ({ time }) => <Time at={time} /> },
  {
    id: 'links',
    title: 'Leads to',
    cell: ({ vm, plan, run_id: run }) => <About of={{ vm: vm === '*' ? null : vm, plan, run }} />,
  },
  { id: 'to', title: 'Told to', wide: true, cell: ({ deliveries }) => <Deliveries of={deliveries} /> },
];

const outcomes = [
  { value: '', word: 'All' },
  { value: 'failed', word: 'Not delivered' },
] as const;

const events = [
  { value: '', word: 'Any event' },
  { value: 'failure', word: 'Failures' },
  { value: 'rpo', word: 'Late' },
] as const;

/** What was told to whom, and what became of it. */
export function NoticesScreen(): JSX.Element {
  useTitle('Notices');
  const { query } = place.value;
  const asked = new URLSearchParams({ limit: '100' });
  for (const name of ['outcome', 'event', 'plan', 'vm']) if (query.get(name)) asked.set(name, query.get(name) ?? '');
  const narrowed = [...asked.keys()].length > 1;
  const list = usePages<HubNotices>(`/api/v1/notices?${asked.toString()}`, { topics: ['status'] });
  const told = list.pages.value?.flatMap((page) => page.notices);
  return (
    <>
      <header class="page-head">
        <h1>Notices</h1>
        <div class="table-tools">
          <Choices
            label="What became of them"
            choices={outcomes}
            value={query.get('outcome') ?? ''}
            onChoose={(outcome) => setQuery({ outcome })}
          />
          <Choices
            label="What they are about"
            choices={events}
            value={query.get('event') ?? ''}
            onChoose={(event) => setQuery({ event })}
          />
          <Exact label="Plan" value={query.get('plan') ?? ''} onFind={(plan) => setQuery({ plan })} />
          <Exact label="VM" value={query.get('vm') ?? ''} onFind={(vm) => setQuery({ vm })} />
        </div>
      </header>
      <TroubleNotice of={list.trouble.value} />
      <Channels />
      {told === undefined ? null : told.length === 0 ? (
        <NothingTold narrowed={narrowed} />
      ) : (
        <section aria-label="Notices">
          <Table caption="Notices, the newest first" columns={columns} rows={told} keyOf={({ id }) => id} />
          <div class="table-foot">
            <span>
              {told.length} {told.length === 1 ? 'notice' : 'notices'}
            </span>
            {list.hasMore.value ? (
              <button type="button" class="button small" onClick={list.more}>
                Show older notices
              </button>
            ) : null}
          </div>
        </section>
      )}
    </>
  );
}

const NothingTold = ({ narrowed }: { readonly narrowed: boolean }): JSX.Element =>
  narrowed ? (
    <Empty title="No notice is like that.">
      <a href="/notices">Show all notices</a>
    </Empty>
  ) : (
    <Empty title="Nobody was told anything yet.">
      Name channels and rules under <code>notify</code> in sendense.yaml. <code>sendense-run notify test</code> sends a
      message to each.
    </Empty>
  );
