import { resolve } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import type { CommandContext } from '../command.ts';
import { runPlan } from '../run-plan.ts';

export async function action(context: CommandContext): Promise<number> {
  const [plan = '', slot = '', runId = ''] = context.args;
  using signals = installSignals();
  const key = { plan, slot: Number(slot), runId };
  // Awaited: the signals are let go of when this returns.
  return await runPlan(
    context,
    { file: resolve(plan), begin: (hub, watch) => hub.schedules.runSlot(key, watch) },
    signals,
  );
}
