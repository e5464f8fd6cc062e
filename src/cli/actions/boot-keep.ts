import { join } from 'node:path';
import { stringify } from 'yaml';
import { installSignals } from '../../engine/install-signals.ts';
import type { CommandContext } from '../command.ts';
import { runPlan } from '../run-plan.ts';
import { previewPlan } from './plan.ts';

/** Makes a plan of kind `keep` of a running VM and runs it. */
export async function action(context: CommandContext): Promise<number> {
  const { compress, dryRun } = context.options as { readonly compress?: string; readonly dryRun?: boolean };
  const { id, repository, context: vm } = await bootOf(context);
  const request = {
    file: join(process.cwd(), `keep-${id}.yaml`),
    text: stringify({
      version: 1,
      kind: 'keep',
      name: `keep-${id}`,
      repository,
      vm: { name: vm },
      boot: id,
      ...(compress === undefined ? {} : { compress }),
    }),
    options: { '/boot': 'VM', '/vm': 'VM', '/repository': 'VM', '/compress': '--compress' },
  };
  if (dryRun === true) return previewPlan(context, request);
  using signals = installSignals();
  // Awaited: the signals are let go of when this returns.
  return await runPlan(context, request, signals);
}

async function bootOf(context: CommandContext): Promise<{ id: string; repository: string; context: string }> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const boots = await hub.boots();
  const { id, repository, vm } = await boots.status(context.args[0] ?? '');
  return { id, repository, context: vm };
}
