import { SendenseError } from '../../errors/sendense-error.ts';
import type { LinkHello } from '../../schemas/types.ts';
import { machineComes } from '../../state/nodes/node-machines.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { HubLog } from '../hub-log.ts';
import type { ServerContext } from './server-context.ts';

/** Lets one machine in with the key of a node, and tells of another one. @throws SendenseError `node.cloned` */
export function judgeMachine(
  { state, warn, figures }: Pick<ServerContext, 'state' | 'warn' | 'figures'>,
  { node, peer, log }: { readonly node: NodeRecord; readonly peer: string; readonly log: HubLog },
  { hostname, boot_id: bootId }: LinkHello,
): void {
  const { refused, found } = machineComes(state, node.id, { bootId, hostname, peer });
  if (found)
    log.error(
      { other: found.hostname, other_peer: found.peer },
      `two machines have the key of node ${node.name}; ${found.hostname} (${found.peer}) came second and is refused. Decide: sendense-run node show ${node.name}`,
    );
  if (!refused) return;
  figures.refused('cloned');
  warn(log, node.id, { reason: 'cloned' }, `refused: ${hostname} (${peer}) has the key of another machine`);
  throw new SendenseError('node.cloned', `another machine is connected as node ${node.name}, with the key of this one`);
}
