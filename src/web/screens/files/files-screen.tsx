import './files.css';
import type { JSX } from 'preact';
import type { HubVm, HubVms } from '../../../schemas/types.ts';
import { usePages } from '../../client/pages.ts';
import { Find } from '../../design/narrowing.tsx';
import { Empty } from '../../design/notice.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { place, setQuery } from '../../shell/router.ts';
import { useTitle } from '../../shell/titled.ts';
import { OpenPoints } from './open-points.tsx';
import { addressOfPlace } from '../../shell/files-place.ts';

const vmColumns: readonly Column<HubVm>[] = [
  {
    id: 'vm',
    title: 'VM',
    cell: ({ vm }) => (
      <a href={addressOfPlace({ vm })}>
        <Text of={vm} />
      </a>
    ),
  },
  { id: 'newest', title: 'Newest restore point', cell: ({ newest }) => <Time at={newest?.created} /> },
  { id: 'points', title: 'Restore points', cell: ({ points }) => points, numeric: true },
];

/** Whose files to look into, and which restore points are open. */
export function FilesScreen(): JSX.Element {
  useTitle('Files');
  const sought = place.value.query.get('find') ?? '';
  const list = usePages<HubVms>('/api/v1/vms?limit=300', { topics: ['status'], first: 40 });
  const vms = list.pages.value?.flatMap((page) => page.vms.filter(({ points }) => points > 0));
  const shown = (vms ?? []).filter(({ vm }) => vm.toLowerCase().includes(sought.toLowerCase()));
  return (
    <>
      <header class="page-head">
        <h1>Files</h1>
        <Find label="Find a VM" value={sought} onFind={(find) => setQuery({ find })} />
      </header>
      <TroubleNotice of={list.trouble.value} />
      <OpenPoints />
      {vms === undefined ? null : shown.length === 0 ? (
        <Empty title={vms.length === 0 ? 'There is no restore point yet.' : 'No VM is called like that.'}>
          {vms.length === 0 ? 'The first backup makes one.' : <a href="/files">Show all {vms.length} VMs</a>}
        </Empty>
      ) : (
        <section class="block" aria-labelledby="vms-with-files">
          <h2 id="vms-with-files">Look into a restore point of</h2>
          <Table caption="VMs with restore points" columns={vmColumns} rows={shown} keyOf={({ vm }) => vm} />
        </section>
      )}
    </>
  );
}
