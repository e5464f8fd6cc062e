import type { JSX } from 'preact';
import { formatBytes } from '../../../view/format.ts';
import { Meter } from '../../design/meter.tsx';
import { Empty } from '../../design/notice.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { sortingHere } from '../../shell/sorting.ts';
import { bytesOr, type Repository } from '../repositories/repository-state.ts';

type Used = Repository['vms'][number];

/** What each VM holds. */
export function Usage({ vms }: { readonly vms: readonly Used[] }): JSX.Element {
  const most = Math.max(1, ...vms.map(({ allocated_bytes: bytes }) => bytes));
  const columns: readonly Column<Used>[] = [
    {
      id: 'vm',
      title: 'VM',
      cell: ({ vm }) => (
        <a href={`/vms/${encodeURIComponent(vm)}`}>
          <Text of={vm} />
        </a>
      ),
      sortBy: ({ vm }) => vm,
    },
    {
      id: 'takes',
      title: 'Takes',
      numeric: true,
      cell: ({ allocated_bytes: bytes }) => formatBytes(bytes),
      sortBy: ({ allocated_bytes: bytes }) => bytes,
    },
    {
      id: 'share',
      title: 'Share',
      cell: ({ allocated_bytes: bytes }) => <Meter own={bytes} other={0} total={most} />,
    },
    {
      id: 'growth',
      title: 'Grows a day',
      numeric: true,
      cell: ({ growth_per_day: bytes }) => bytesOr(bytes),
      sortBy: ({ growth_per_day: bytes }) => bytes,
    },
    {
      id: 'points',
      title: 'Points',
      numeric: true,
      cell: ({ points }) => String(points),
      sortBy: ({ points }) => points,
    },
    {
      id: 'disks',
      title: 'As whole disks',
      numeric: true,
      cell: ({ logical_bytes: bytes }) => formatBytes(bytes),
      sortBy: ({ logical_bytes: bytes }) => bytes,
    },
    { id: 'oldest', title: 'Oldest', cell: ({ oldest }) => <Time at={oldest} />, sortBy: ({ oldest }) => oldest },
    { id: 'newest', title: 'Newest', cell: ({ newest }) => <Time at={newest} />, sortBy: ({ newest }) => newest },
  ];
  return (
    <section class="block" aria-labelledby="usage">
      <h2 id="usage">What each VM holds</h2>
      {vms.length === 0 ? (
        <Empty title="No VM has a restore point here.">
          Name this repository in a plan, and run it: <code>sendense-run run PLAN</code>.
        </Empty>
      ) : (
        <Table
          caption="VMs"
          columns={columns}
          rows={vms}
          keyOf={({ context }) => context}
          sorting={sortingHere('-takes')}
        />
      )}
    </section>
  );
}
