import { installSignals } from '../../engine/install-signals.ts';
import type { CommandContext } from '../command.ts';
import { worstOf } from '../exit-codes.ts';
import { givenPlans } from '../given-plan.ts';
import { runPlan } from '../run-plan.ts';
import { action as dryRun } from './plan.ts';

/** Runs the plans one after another; a signal ends them all. */
export async function action(context: CommandContext): Promise<number> {
  if (context.options['dryRun'] === true) return dryRun(context);
  const plans = await givenPlans(context);
  using signals = installSignals();
  const codes: number[] = [];
  for (const plan of plans) {
    if (signals.gently.aborted) break;
    codes.push(await runPlan(context, plan, signals));
  }
  return worstOf(codes);
}
