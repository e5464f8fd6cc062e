import type { JSX } from 'preact';
import type { NodesOutput } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { Empty } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { sortingHere } from '../../shell/sorting.ts';
import { useTitle } from '../../shell/titled.ts';
import { AddNode } from './node-acts.tsx';
import { nodeLooks, nodeStates, problemOf, type EnrolledNode } from './node-state.ts';

const columns: readonly Column<EnrolledNode>[] = [
  {
    id: 'name',
    title: 'Node',
    cell: ({ name }) => (
      <a href={`/nodes/${encodeURIComponent(name)}`}>
        <Text of={name} />
      </a>
    ),
    sortBy: ({ name }) => name,
  },
  {
    id: 'state',
    title: 'State',
    cell: ({ state }) => <StatusMark look={nodeLooks[state]} />,
    sortBy: ({ state }) => nodeStates.indexOf(state),
  },
  {
    id: 'since',
    title: 'Since',
    cell: (node) => <Time at={node.connected_since ?? node.revoked ?? node.last_seen ?? node.created} />,
    sortBy: (node) => node.connected_since ?? node.last_seen,
  },
  {
    id: 'version',
    title: 'Version',
    cell: ({ node_version: version }) => (version === null ? '' : <Text of={version} />),
    sortBy: ({ node_version: version }) => version,
  },
  {
    id: 'host',
    title: 'Machine',
    cell: ({ hostname }) => (hostname === null ? '' : <Text of={hostname} />),
    sortBy: ({ hostname }) => hostname,
  },
  { id: 'peer', title: 'Address', cell: ({ peer }) => (peer === null ? '' : <Text of={peer} />) },
  { id: 'problem', title: 'What is wrong', wide: true, cell: (node) => problemOf(node) ?? '' },
];

/** The nodes of the hub: which are connected, since when, and what is wrong. */
export function NodesScreen(): JSX.Element {
  useTitle('Nodes');
  const live = useLive<NodesOutput>('/api/v1/nodes', { topics: ['status'] });
  const nodes = live.data.value?.nodes;
  return (
    <>
      <header>
        <div class="page-head">
          <h1>Nodes</h1>
          <AddNode onChange={live.again} />
        </div>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {nodes === undefined ? null : nodes.length === 0 ? (
        <Empty title="No node was added.">
          The hub reads disks on its own machine without one. For another machine,{' '}
          <code>sendense-run node add NAME</code> makes the token with which <code>sendense-node enroll</code> joins
          there.
        </Empty>
      ) : (
        <section aria-label="Nodes">
          <Table
            caption="Nodes"
            columns={columns}
            rows={nodes}
            keyOf={({ name }) => name}
            sorting={sortingHere('state')}
          />
        </section>
      )}
    </>
  );
}
