import { dirname } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import { planReport } from '../../view/reports/plan-report.ts';
import { columnsOf, exactly } from '../../view/terminal.ts';
import type { CommandContext } from '../command.ts';
import { worstOf } from '../exit-codes.ts';
import { givenPlans } from '../given-plan.ts';
import { inWordsOfOptions } from '../plan-of-options.ts';
import { reportError } from '../report-error.ts';
import type { PlanToRun } from '../run-plan.ts';

/** Shows what each plan would do. */
export async function action(context: CommandContext): Promise<number> {
  const codes: number[] = [];
  for (const plan of await givenPlans(context)) codes.push(await previewPlan(context, plan));
  return worstOf(codes);
}

export async function previewPlan(context: CommandContext, plan: PlanToRun): Promise<number> {
  const { terminal, global } = context;
  using cancel = installSignals();
  try {
    await using hub = await context.openHub({ startFolder: dirname(plan.file), readOnly: true });
    const { options: _options, begin: _begin, ...request } = plan;
    const preview = await hub.preview({ ...request, cancel });
    const { stdout, style } = terminal;
    (global.json ? exactly(stdout) : stdout).write(
      global.json
        ? `${JSON.stringify(preview)}\n`
        : `${planReport(preview, { style, columns: columnsOf(stdout) }).join('\n')}\n`,
    );
    return 0;
  } catch (error) {
    return reportError(inWordsOfOptions(error, plan.options), { terminal, json: global.json });
  }
}
