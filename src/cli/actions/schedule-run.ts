import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import type { CommandContext } from '../command.ts';
import { runPlan } from '../run-plan.ts';

export async function action(context: CommandContext): Promise<number> {
  const { args, options, global, terminal } = context;
  const plan = args[0] ?? '';
  using signals = installSignals();
  let nothing = false;
  const code = await runPlan(
    context,
    {
      // A name is looked up in the database of the settings that are found from here.
      file: resolve(existsSync(plan) ? plan : 'plan'),
      begin: async (hub, watch) => {
        if (options['timer'] !== true) return hub.schedules.runNow(plan, watch);
        const finished = await hub.schedules.runDue(plan, watch);
        nothing = finished === undefined;
        return finished;
      },
    },
    signals,
  );
  if (nothing && !global.quiet && !global.json) terminal.stdout.write(`${plan}: nothing is due\n`);
  return code;
}
