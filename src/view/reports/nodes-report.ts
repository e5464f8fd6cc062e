import type { NodeAddedOutput, NodesOutput } from '../../schemas/types.ts';
import { formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, printable, table } from '../text.ts';

type ShownNode = NodesOutput['nodes'][number];

/** One line a node. */
export function nodesReport({ nodes }: NodesOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  if (nodes.length === 0) return ['no nodes yet; make one with `sendense-run node add NAME`'];
  const [head = [], ...lines] = foldedTable(
    [
      ['NAME', 'STATE', 'SINCE', 'FROM', 'DATA', 'LAST SEEN', 'VERSION', 'PORT'],
      ...nodes.map((node) => [
        node.name,
        stateOf(node, options),
        timeOr(node.connected_since ?? node.revoked),
        node.peer ?? '-',
        node.data ?? '-',
        timeOr(node.last_seen),
        printable(node.node_version ?? '-'),
        String(node.reverse_port),
      ]),
    ],
    columns,
  );
  return [...head.map(style.bold), ...lines.flat(), ...nodes.flatMap((node) => remarks(node, options))];
}

const remarks = (node: ShownNode, options: SummaryOptions): string[] => [
  ...otherMachine(node, options),
  ...(node.version_misfit === null ? [] : [options.style.yellow(`${node.name}: ${printable(node.version_misfit)}`)]),
];

/** Two machines with one key: what that is, and the way out. */
function otherMachine({ name, other_machine: other }: ShownNode, { style }: SummaryOptions): string[] {
  if (other === null) return [];
  return [
    style.red(
      `${name}: another machine has the key of this node and is refused: ${printable(other.hostname)}, ${other.peer}, last at ${formatTime(other.seen)}`,
    ),
    `  Decide which is ${name}: \`sendense-run node add ${name} --again\`, then \`sendense-node enroll --force\` there. The other gets a name of its own.`,
  ];
}

/** All that is known of one. */
export function nodeReport(output: NodesOutput, options: SummaryOptions): string[] {
  return output.nodes.flatMap((node) => [
    `${options.style.bold(node.name)} ${stateOf(node, options)}`,
    ...table([
      ['  key', node.key ?? '-'],
      ['  host name', printable(node.hostname ?? '-')],
      ['  version', printable(node.node_version ?? '-')],
      ['  reverse port', `127.0.0.1:${node.reverse_port}`],
      ['  connected since', timeOr(node.connected_since)],
      ['  from', node.peer ?? '-'],
      ['  data by', node.data ?? '-'],
      ['  last seen', timeOr(node.last_seen)],
      ['  NBD ports open to it', node.open_ports.join(', ') || 'none'],
      ['  added', formatTime(node.created)],
      ['  enrolled', timeOr(node.enrolled)],
      ['  token good until', timeOr(node.token_expires)],
      ['  revoked', timeOr(node.revoked)],
    ]),
    ...remarks(node, options),
  ]);
}

/** The token, and what to do with it. */
export function nodeAddedReport(output: NodeAddedOutput, { style }: SummaryOptions): string[] {
  return [
    `${style.green(style.symbols.done)} node ${style.bold(output.name)} is added, reverse port ${output.reverse_port}; the hub's key is ${output.host_key}`,
    `Its token, good once and until ${formatTime(output.expires)}; it is not shown again:`,
    '',
    output.token,
    '',
    'On the node; it asks for the token (--token-file FILE reads it from a file):',
    style.cyan(`  sendense-node enroll --hub HOST:${output.ssh_port}`),
  ];
}

/** One sentence on what was done to a node. */
export function nodeChange(output: NodesOutput, done: string, { style }: SummaryOptions): string[] {
  const [node] = output.nodes;
  return [`${style.green(style.symbols.done)} node ${style.bold(node?.name ?? '')} ${done}`];
}

function stateOf({ state }: ShownNode, { style }: SummaryOptions): string {
  if (state === 'connected') return style.green(state);
  return state === 'disconnected' || state === 'expired'
    ? style.yellow(state)
    : state === 'revoked'
      ? style.red(state)
      : state;
}

const timeOr = (time: number | null): string => (time === null ? '-' : formatTime(time));
