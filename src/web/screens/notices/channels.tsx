import type { JSX } from 'preact';
import type { NotifyListOutput } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { may } from '../../client/session.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TestChannel } from './test-channel.tsx';

type Channel = NotifyListOutput['channels'][number];

/** @param again something was sent */
const columnsFor = (again: () => void): readonly Column<Channel>[] => [
  { id: 'name', title: 'Channel', cell: ({ name }) => <Text of={name} /> },
  {
    id: 'works',
    title: 'State',
    cell: ({ failing_since: failing, last_success: last }) => (
      <StatusMark
        look={
          failing !== null
            ? { shape: 'cross', tone: 'bad', word: 'fails' }
            : last === null
              ? { shape: 'dot', tone: 'idle', word: 'not used yet' }
              : { shape: 'check', tone: 'good', word: 'works' }
        }
      />
    ),
  },
  {
    id: 'target',
    title: 'Tells',
    cell: ({ type, target }) => (
      <span>
        <Text of={target} /> <span class="soft">{type}</span>
      </span>
    ),
  },
  { id: 'last', title: 'Last sent', cell: ({ last_success: last }) => <Time at={last} /> },
  {
    id: 'failing',
    title: 'Fails since',
    cell: ({ failing_since: since }) => (since === null ? '' : <Time at={since} />),
  },
  { id: 'waiting', title: 'Waiting', numeric: true, cell: ({ waiting }) => (waiting === 0 ? '' : String(waiting)) },
  { id: 'error', title: 'Why', wide: true, cell: ({ error }) => (error === null ? '' : plain(error)) },
  ...(may('administer')
    ? [{ id: 'act', title: 'Act', cell: ({ name }: Channel) => <TestChannel channel={name} onDone={again} /> }]
    : []),
];

/** Where notices go, and whether they arrive. Who may know of some VMs only does not see it. */
export function Channels(): JSX.Element | null {
  const live = useLive<NotifyListOutput>('/api/v1/channels', { topics: ['status'], everyMs: 10_000 });
  const channels = live.data.value?.channels ?? [];
  return channels.length === 0 ? null : (
    <section class="block" aria-labelledby="channels">
      <h2 id="channels">Channels</h2>
      <Table caption="Channels" columns={columnsFor(live.again)} rows={channels} keyOf={({ name }) => name} />
    </section>
  );
}
