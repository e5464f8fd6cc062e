import type { HubDiscoveredVm } from '../../../schemas/types.ts';
import { formatBytes, plural } from '../../../view/format.ts';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import type { Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { WritePlan } from './write-plan.tsx';

function lookOf({ plans, template, stopped }: HubDiscoveredVm): Look {
  if (plans.length > 0) return { shape: 'check', tone: 'good', word: 'has a plan' };
  if (template) return { shape: 'dot', tone: 'idle', word: 'template' };
  return stopped
    ? { shape: 'cross', tone: 'bad', word: 'cannot be backed up' }
    : { shape: 'ring', tone: 'warn', word: 'no plan' };
}

/** What is said of a VM of this source. @param node that asked it */
export const discoveredColumns = (source: string, node: string | null): readonly Column<HubDiscoveredVm>[] => [
  {
    id: 'name',
    title: 'VM',
    cell: ({ name, vm }) =>
      vm === null ? (
        <Text of={name} />
      ) : (
        <a href={`/vms/${encodeURIComponent(vm)}`}>
          <Text of={name} />
        </a>
      ),
  },
  { id: 'state', title: 'State', cell: (vm) => <StatusMark look={lookOf(vm)} /> },
  { id: 'guest', title: 'Guest', cell: ({ guest }) => (guest === null ? '' : <Text of={guest} />) },
  {
    id: 'size',
    title: 'Disks',
    numeric: true,
    cell: ({ disks, capacity_bytes: bytes }) => `${plural(disks, 'disk')}, ${formatBytes(bytes)}`,
  },
  {
    id: 'plans',
    title: 'Plan',
    cell: ({ plans }) => (plans.length === 0 ? '' : <Text of={plans.join(', ')} />),
  },
  {
    id: 'reason',
    title: 'Why it should have one',
    wide: true,
    cell: ({ reason, findings }) => plain([...(reason === null ? [] : [reason]), ...findings].join(' ')),
  },
  {
    id: 'act',
    title: 'Act',
    cell: (vm) => (vm.plans.length > 0 || vm.stopped ? '' : <WritePlan source={source} node={node} vm={vm} />),
  },
];
