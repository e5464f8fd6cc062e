import { SendenseError } from '../../errors/sendense-error.ts';
import { installSignals } from '../../engine/install-signals.ts';
import type { RunEvent } from '../../schemas/types.ts';
import { jsonView } from '../../view/run/json-view.ts';
import { plainView } from '../../view/run/plain-view.ts';
import { shortSummary } from '../../view/reports/run-summary.ts';
import type { CommandContext } from '../command.ts';

export async function action(context: CommandContext): Promise<number> {
  const { terminal, global } = context;
  const { follow = false, step } = context.options as { follow?: boolean; step?: string };
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const log = await hub.runLog(context.args[0]);
  const view = global.json
    ? jsonView(terminal.stdout)
    : plainView({ ...terminal, stderr: terminal.stdout, errorStyle: terminal.style });
  const steps = new Set<string>();
  let last: RunEvent | undefined;
  for await (const event of log.events({ follow, signal: signals.gently })) {
    last = event;
    if (event.type === 'run.started') for (const { id } of event.steps) steps.add(id);
    if (step === undefined || !('step' in event) || event.step === step) view.event(event);
  }
  await view.close();
  if (step !== undefined && !steps.has(step))
    throw new SendenseError('usage', `run ${log.runId} has no step ${step}`, {
      remedy: `It has ${[...steps].join(', ')}.`,
    });
  if (signals.gently.aborted) return 0;
  if (!global.json) tell(context, log.runId, last, log.alive());
  return 0;
}

/** How the run ended, or why its log does not say. */
function tell({ terminal }: CommandContext, runId: string, last: RunEvent | undefined, alive: boolean): void {
  const { stdout, style } = terminal;
  if (last?.type === 'run.finished') stdout.write(`${shortSummary(last)}\n`);
  else if (!alive)
    stdout.write(
      `${style.yellow('the log ends here')}: see \`sendense-run show --run ${runId}\` for how the run ended\n`,
    );
}
