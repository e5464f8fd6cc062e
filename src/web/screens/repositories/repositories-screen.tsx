import type { JSX } from 'preact';
import type { HubRepositories } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { Meter } from '../../design/meter.tsx';
import { Empty } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { sortingHere } from '../../shell/sorting.ts';
import { useTitle } from '../../shell/titled.ts';
import { bytesOr, repositoryLook, usedByOthers, type Repository } from './repository-state.ts';

const columns: readonly Column<Repository>[] = [
  {
    id: 'name',
    title: 'Repository',
    cell: ({ repository }) => (
      <a href={`/repositories/${encodeURIComponent(repository)}`}>
        <Text of={repository} />
      </a>
    ),
    sortBy: ({ repository }) => repository,
  },
  { id: 'state', title: 'State', cell: (one) => <StatusMark look={repositoryLook(one)} /> },
  {
    id: 'full',
    title: 'Use',
    cell: (one) =>
      one.total === null || one.used === null ? (
        ''
      ) : (
        <Meter own={one.used} other={usedByOthers(one)} total={one.total} />
      ),
    sortBy: ({ free, total }) => (free === null || total === null ? null : 1 - free / total),
  },
  {
    id: 'used',
    title: 'Used',
    numeric: true,
    cell: ({ used }) => bytesOr(used),
    sortBy: ({ used }) => used,
  },
  {
    id: 'free',
    title: 'Free',
    numeric: true,
    cell: ({ free, total }) => (free === null || total === null ? '' : `${formatBytes(free)} of ${formatBytes(total)}`),
    sortBy: ({ free }) => free,
  },
  { id: 'quota', title: 'Quota', numeric: true, cell: ({ quota }) => bytesOr(quota), sortBy: ({ quota }) => quota },
  {
    id: 'growth',
    title: 'Grows a day',
    numeric: true,
    cell: ({ growth_per_day: growth }) => bytesOr(growth),
    sortBy: ({ growth_per_day: growth }) => growth,
  },
  {
    id: 'points',
    title: 'Points',
    numeric: true,
    cell: ({ points, vms }) => `${points}, of ${vms.length} ${vms.length === 1 ? 'VM' : 'VMs'}`,
    sortBy: ({ points }) => points,
  },
  { id: 'error', title: 'What is wrong', wide: true, cell: ({ error }) => (error === null ? '' : plain(error)) },
];

/** All repositories: what they hold, and how full they are. */
export function RepositoriesScreen(): JSX.Element {
  useTitle('Repositories');
  const live = useLive<HubRepositories>('/api/v1/repositories', { everyMs: 30_000 });
  const data = live.data.value;
  return (
    <>
      <header class="page-head">
        <h1>Repositories</h1>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {data === undefined ? null : data.repositories.length === 0 ? (
        <Empty title="sendense.yaml names no repository.">
          Name a folder under <code>repositories</code>; the first backup makes what it needs there.
        </Empty>
      ) : (
        <section aria-label="Repositories">
          <Table
            caption="Repositories"
            columns={columns}
            rows={data.repositories}
            keyOf={({ repository }) => repository}
            sorting={sortingHere('name')}
          />
          <p class="table-foot">
            <span>
              Measured <Time at={data.measured} />
            </span>
          </p>
        </section>
      )}
    </>
  );
}
