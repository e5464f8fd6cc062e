import type { JSX } from 'preact';
import type { NodesOutput } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { Crumbs } from '../../design/crumbs.tsx';
import { Empty, Notice } from '../../design/notice.tsx';
import { FactList, type Fact } from '../../design/fact-list.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { NodeActs } from '../nodes/node-acts.tsx';
import { nodeLooks, problemOf, type EnrolledNode } from '../nodes/node-state.ts';
import { Doctor } from './doctor.tsx';

/** One node: its state, its tunnel, its version. */
export function NodeScreen({ params }: ScreenProps): JSX.Element {
  const name = params['node'] ?? '';
  const live = useLive<NodesOutput>('/api/v1/nodes', { topics: ['status'] });
  const node = live.data.value?.nodes.find((one) => one.name === name);
  const problem = node && problemOf(node);
  useTitle(plain(name));
  return (
    <>
      <header>
        <Crumbs of={[{ title: 'Nodes', to: '/nodes' }]} />
        <div class="page-head">
          <h1>
            <Text of={name} />
          </h1>
          {node ? <StatusMark look={nodeLooks[node.state]} /> : null}
        </div>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {problem ? (
        <Notice tone={node?.state === 'disconnected' ? 'bad' : 'warn'}>
          <strong>{problem}</strong>
        </Notice>
      ) : null}
      {node ? (
        <>
          <FactList of={factsOf(node)} />
          <NodeActs node={node} onChange={live.again} />
          <Doctor key={node.name} node={node.name} />
        </>
      ) : null}
      {live.data.value && !node ? (
        <Empty title="There is no node of this name.">
          <a href="/nodes">Show all nodes</a>
        </Empty>
      ) : null}
    </>
  );
}

const tunnels: Readonly<Record<string, string>> = {
  sshd: 'OpenSSH of the hub',
  builtin: 'the SSH server that the hub has built in',
};

const none = (text: string): JSX.Element => <span class="soft">{text}</span>;
const text = (value: string | null, other: string): JSX.Element => (value === null ? none(other) : <Text of={value} />);

const factsOf = (node: EnrolledNode): readonly Fact[] => [
  node.state === 'disconnected'
    ? ['Not connected since', <Time at={node.last_seen} />]
    : ['Connected', <Time at={node.connected_since} none="no" />],
  ['Last heard of', <Time at={node.last_seen} />],
  ['Address', text(node.peer, 'unknown')],
  ['Tunnel carried by', node.data === null ? none('not decided') : (tunnels[node.data] ?? node.data)],
  ['Its API at the hub', `127.0.0.1:${node.reverse_port}`],
  ['NBD ports open to it', node.open_ports.length === 0 ? none('none') : node.open_ports.join(', ')],
  ['Version', text(node.node_version, 'unknown')],
  ['Machine', text(node.hostname, 'unknown')],
  ['Key', node.key === null ? none('none yet') : <span class="mono">{plain(node.key)}</span>],
  ['Added', <Time at={node.created} />],
  ['Enrolled', <Time at={node.enrolled} none="not yet" />],
  ...(node.token_expires === null ? [] : ([['Token is good until', <Time at={node.token_expires} />]] as const)),
  ...(node.revoked === null ? [] : ([['Revoked', <Time at={node.revoked} />]] as const)),
];
