import { resolve } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { PruneOutput } from '../../schemas/types.ts';
import { plural } from '../../view/format.ts';
import { pruneReport } from '../../view/reports/prune-report.ts';
import type { CommandContext } from '../command.ts';
import { worstOf } from '../exit-codes.ts';
import { print } from '../print.ts';
import { prunePlan } from '../prune-plan.ts';
import { runPlan, type PlanToRun } from '../run-plan.ts';

/** How the command sees what would go, and removes it. */
interface PruneWay {
  preview(signal: AbortSignal): Promise<PruneOutput>;
  run(): Promise<number>;
}

/** Makes a prune plan of the command line or of another plan, shows what it would do, and runs it when that is wanted. */
export async function action(context: CommandContext): Promise<number> {
  const plan = await prunePlan(context);
  return await pruneIn(context, { preview: (signal) => preview(context, plan, signal), run: () => run(context, plan) });
}

export async function pruneIn(context: CommandContext, way: PruneWay): Promise<number> {
  const { dryRun = false, yes = false } = context.options as { readonly dryRun?: boolean; readonly yes?: boolean };
  if (yes && !dryRun) return await way.run();
  if (!dryRun && !(context.askLine && !context.global.json))
    throw usage('a prune without a terminal needs --yes, or --dry-run to see what it would do');
  using signals = installSignals();
  const output = await way.preview(signals.gently);
  print(context, output, (report) => pruneReport(output, report));
  const code = exitCodeOf(output);
  if (dryRun || (output.remove && code === 1)) return code;
  const going = output.vms.flatMap(({ points }) => points).filter(({ keep }) => !keep).length;
  if (going === 0) return code;
  const answer = await context.askLine?.(`Remove ${plural(going, 'restore point')}? You cannot undo this. [y/N] `);
  if (!/^y(es)?$/i.test(answer?.trim() ?? '')) {
    context.terminal.stderr.write('Nothing was removed.\n');
    return 1;
  }
  return worstOf([code, await way.run()]);
}

async function preview(context: CommandContext, plan: PlanToRun, signal: AbortSignal): Promise<PruneOutput> {
  await using hub = await context.openHub({ startFolder: resolve(plan.file, '..'), readOnly: true });
  return await hub.retention.preview({ ...plan, signal });
}

async function run(context: CommandContext, plan: PlanToRun): Promise<number> {
  using signals = installSignals();
  // Awaited: the signals are let go of when this returns.
  return await runPlan(context, plan, signals);
}

function exitCodeOf({ vms, unmatched, remove = [] }: PruneOutput): number {
  if (vms.some(({ error }) => error)) return 1;
  const points = vms.flatMap((vm) => vm.points);
  if (points.some(({ backup_id: id, keep }) => keep && remove.includes(id))) return 1;
  const remarkable = vms.length === 0 || unmatched.length > 0 || vms.some(({ remarks }) => remarks.length > 0);
  return remarkable ? 3 : 0;
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run prune --help`.' });
