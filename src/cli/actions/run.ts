import { installSignals } from '../../engine/install-signals.ts';
import type { CommandContext } from '../command.ts';
import { worstOf } from '../exit-codes.ts';
import { planFile } from '../plan-file.ts';
import { runPlan, type Mode } from '../run-plan.ts';
import { action as dryRun } from './plan.ts';

/** Runs the plans one after another; a signal ends them all. */
export async function action(context: CommandContext): Promise<number> {
  if (context.options['dryRun'] === true) return dryRun(context);
  const files = context.args.map((name) => planFile(name, context));
  using signals = installSignals();
  const codes: number[] = [];
  for (const file of files) {
    if (signals.gently.aborted) break;
    codes.push(await runPlan(context, { file, mode: context.options['mode'] as Mode | undefined }, signals));
  }
  return worstOf(codes);
}
