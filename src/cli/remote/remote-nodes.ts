import type { NodeAddedOutput, NodesOutput } from '../../schemas/types.ts';
import { nodeAddedReport, nodeChange } from '../../view/reports/nodes-report.ts';
import { durationOf } from '../actions/node.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import type { HubConnection } from './hub-connection.ts';

const all = '/api/v1/nodes';
const at = ({ args: [name = ''] }: CommandContext): string => `${all}/${encodeURIComponent(name)}`;

export async function addNode(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  const body = { expires_ms: durationOf(String(context.options['expires'])) };
  const output =
    context.options['again'] === true
      ? await hub.ask<NodeAddedOutput>(`${at(context)}/token`, { method: 'POST', body })
      : await hub.ask<NodeAddedOutput>(all, { method: 'POST', body: { name, ...body } });
  print(context, output, (options) => nodeAddedReport(output, options));
  return 0;
}

export async function renameNode(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = '', to = ''] = context.args;
  const output = await hub.ask<NodesOutput>(`${at(context)}/rename`, { method: 'POST', body: { to } });
  return tell(context, output, `was ${name} before`);
}

export const revokeNode = async (context: CommandContext, hub: HubConnection): Promise<number> =>
  tell(
    context,
    await hub.ask<NodesOutput>(`${at(context)}/revoke`, { method: 'POST' }),
    'is revoked; its key is refused from now on',
  );

export const removeNode = async (context: CommandContext, hub: HubConnection): Promise<number> =>
  tell(
    context,
    await hub.ask<NodesOutput>(at(context), { method: 'DELETE' }),
    'is removed; its key is refused from now on',
  );

function tell(context: CommandContext, output: NodesOutput, what: string): number {
  print(context, output, (options) => nodeChange(output, what, options));
  return 0;
}
