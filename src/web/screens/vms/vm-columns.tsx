import type { HubVm } from '../../../schemas/types.ts';
import { formatAge } from '../../../view/format-age.ts';
import { formatBytes } from '../../../view/format.ts';
import { severity, vmLooks } from '../../design/looks.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import type { Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';

/** What the list says of a VM. */
export const vmColumns: readonly Column<HubVm>[] = [
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
    id: 'state',
    title: 'State',
    cell: ({ state }) => <StatusMark look={vmLooks[state]} />,
    sortBy: ({ state }) => severity.indexOf(state),
  },
  {
    id: 'newest',
    title: 'Newest point',
    cell: ({ newest }) => <Time at={newest?.created} />,
    sortBy: ({ newest }) => newest?.created ?? null,
  },
  {
    id: 'rpo',
    title: 'Wanted every',
    cell: ({ rpo_ms: rpo }) => (rpo === null ? <span class="soft">no RPO</span> : formatAge(rpo)),
    sortBy: ({ rpo_ms: rpo }) => rpo,
    numeric: true,
  },
  {
    id: 'next',
    title: 'Next backup',
    cell: ({ next, running }) =>
      running === null ? (
        <Time at={next} none="not scheduled" />
      ) : (
        <a href={`/runs/${encodeURIComponent(running)}`}>running now</a>
      ),
    sortBy: ({ next, running }) => (running === null ? next : 0),
  },
  {
    id: 'points',
    title: 'Points',
    cell: ({ points, damaged }) => `${points}${damaged > 0 ? `, ${damaged} damaged` : ''}`,
    sortBy: ({ points }) => points,
    numeric: true,
  },
  {
    id: 'size',
    title: 'Size',
    cell: ({ file_bytes: bytes }) => formatBytes(bytes),
    sortBy: ({ file_bytes: bytes }) => bytes,
    numeric: true,
  },
  {
    id: 'plan',
    title: 'Plan',
    cell: ({ plans }) => (plans.length === 0 ? <span class="soft">none</span> : <Text of={plans.join(', ')} />),
    sortBy: ({ plans }) => plans[0] ?? null,
  },
  {
    id: 'reason',
    title: 'What is wrong',
    cell: ({ state, reason }) => (state === 'unplanned' || reason === null ? '' : plain(reason)),
    wide: true,
  },
];
