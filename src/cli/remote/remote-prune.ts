import type { PruneOutput } from '../../schemas/types.ts';
import { installSignals } from '../../engine/install-signals.ts';
import { pruneIn } from '../actions/prune.ts';
import type { CommandContext } from '../command.ts';
import { assertOneWay, namedPoints, rulesIn, type PruneWords } from '../prune-plan.ts';
import type { HubConnection } from './hub-connection.ts';
import { beginAndShow } from './remote-runs.ts';

/** Prunes at the hub. A plan goes by its name there. */
export async function prune(context: CommandContext, hub: HubConnection): Promise<number> {
  const body = await requestOf(context);
  return await pruneIn(context, {
    preview: (signal) => hub.ask<PruneOutput>('/api/v1/prunes/preview', { method: 'POST', body, signal }),
    async run() {
      using signals = installSignals();
      return await beginAndShow(context, hub, { name: 'prune', path: '/api/v1/prunes', body }, signals);
    },
  });
}

/** What the hub judges as it judges every request. */
async function requestOf(context: CommandContext): Promise<object> {
  const words = context.options as unknown as PruneWords;
  const { vm: vms, identity, repository, plan, point } = words;
  assertOneWay(context.options, words);
  if (point !== undefined) return { identity, ...(await namedPoints(context, words, point)) };
  return plan === undefined ? { vms, identity, repository, retention: rulesIn(context) } : { vms, identity, plan };
}
