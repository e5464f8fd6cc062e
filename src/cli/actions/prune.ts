import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keepsNothing } from '../../plan/checks/check-retention.ts';
import { ruleNames } from '../../schemas/retention-rules.ts';
import { isBackup } from '../../plan/plan-kinds.ts';
import { preparePlan } from '../../plan/expand/prepare-plan.ts';
import type { PruneOutput } from '../../schemas/types.ts';
import { plural } from '../../view/format.ts';
import { pruneReport } from '../../view/reports/prune-report.ts';
import type { CommandContext } from '../command.ts';
import { worstOf } from '../exit-codes.ts';
import { planFile } from '../plan-file.ts';
import { print } from '../print.ts';
import { runPlan, type PlanToRun } from '../run-plan.ts';

interface PruneOptions {
  readonly vm?: readonly string[];
  readonly identity?: string;
  readonly repository?: string;
  readonly plan?: string;
  readonly minAge?: string;
  readonly timezone?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Makes a prune plan of the command line or of another plan, shows what it would do, and runs it when that is wanted. */
export async function action(context: CommandContext): Promise<number> {
  const options = context.options as unknown as PruneOptions;
  const plan = options.plan === undefined ? await ofFlags(context, options) : ofPlan(context, options, options.plan);
  if (options.yes === true && options.dryRun !== true) return run(context, plan);
  if (options.dryRun !== true && !(context.askLine && !context.global.json))
    throw usage('a prune without a terminal needs --yes, or --dry-run to see what it would do');
  using signals = installSignals();
  const output = await preview(context, plan, signals.gently);
  print(context, output, (report) => pruneReport(output, report));
  const code = exitCodeOf(output);
  if (options.dryRun === true) return code;
  const going = output.vms.flatMap(({ points }) => points).filter(({ keep }) => !keep).length;
  if (going === 0) return code;
  const answer = await context.askLine?.(`Remove ${plural(going, 'restore point')}? You cannot undo this. [y/N] `);
  if (!/^y(es)?$/i.test(answer?.trim() ?? '')) {
    context.terminal.stderr.write('Nothing was removed.\n');
    return 1;
  }
  return worstOf([code, await run(context, plan)]);
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

function exitCodeOf({ vms, unmatched }: PruneOutput): number {
  if (vms.some(({ error }) => error)) return 1;
  const remarkable = vms.length === 0 || unmatched.length > 0 || vms.some(({ remarks }) => remarks.length > 0);
  return remarkable ? 3 : 0;
}

async function ofFlags(context: CommandContext, options: PruneOptions): Promise<PlanToRun> {
  const retention = retentionOf(context.options, options);
  if (Object.keys(retention).length === 0)
    throw usage('say what stays: --plan FILE, or for example --keep-last 3 --keep-daily 7 --keep-weekly 5');
  if (keepsNothing(retention)) throw usage('no rule given here keeps a restore point');
  const repository = options.repository ?? (await onlyRepository(context));
  const { vm: vms, identity } = options;
  return planToRun(join(process.cwd(), 'prune.yaml'), { name: 'prune', repository, vms, identity, retention });
}

function retentionOf(flags: CommandContext['options'], { minAge, timezone }: PruneOptions): Record<string, unknown> {
  const counts = ruleNames.flatMap((rule) => {
    const text = flags[`keep${rule[0]?.toUpperCase()}${rule.slice(1)}`];
    if (text === undefined) return [];
    if (typeof text !== 'string' || !/^[0-9]{1,6}$/.test(text))
      throw usage(`--keep-${rule} ${String(text)} is not a number of restore points`);
    return [[rule, Number(text)] as const];
  });
  return {
    ...Object.fromEntries(counts),
    ...(minAge === undefined ? {} : { minAge }),
    ...(timezone === undefined ? {} : { timezone }),
  };
}

/** The retention of a plan: of kind prune as it is, of a backup for its VM. */
function ofPlan(context: CommandContext, options: PruneOptions, file: string): PlanToRun {
  const path = planFile(file, { implied: false });
  if (Object.keys(retentionOf(context.options, options)).length > 0)
    throw usage('--plan brings its own retention; leave the other rules out');
  if (options.repository !== undefined) throw usage('--plan names its own repository; leave --repository out');
  const { vm: vms, identity } = options;
  const { plan, pipeline } = preparePlan(path, { config: context.global.config });
  // What is wrong with it is said by whoever runs it.
  if (!plan || !pipeline) return { file: path };
  if (plan.kind === 'prune')
    return vms === undefined && identity === undefined
      ? { file: path }
      : planToRun(path, { ...only(plan), vms: vms ?? plan.vms, identity: identity ?? plan.identity });
  const retention = 'retention' in plan ? plan.retention : undefined;
  if (!retention) throw usage(`${file} has no retention`);
  if (isBackup(plan)) return planToRun(path, { ...only({ ...plan, retention }), vms: vms ?? [plan.vm.name], identity });
  if (vms === undefined) throw usage(`${file} is of kind ${plan.kind}: name the VMs, for example --vm 'pgtest*'`);
  return planToRun(path, { ...only({ ...plan, retention }), vms, identity });
}

/** Of a plan what a prune needs; its time zone may be that of the schedule. */
const only = (plan: {
  readonly name: string;
  readonly repository: string;
  readonly retention: object & { readonly timezone?: string };
  readonly schedule?: { readonly timezone?: string };
}): Pick<PrunePlanText, 'name' | 'repository' | 'retention'> => ({
  // Not the plan's own name: whether that one succeeds is watched.
  name: `prune-of-${plan.name}`.slice(0, 63),
  repository: plan.repository,
  retention: { timezone: plan.schedule?.timezone ?? 'UTC', ...plan.retention },
});

interface PrunePlanText {
  readonly name: string;
  readonly repository: string;
  readonly vms?: readonly string[] | undefined;
  readonly identity?: string | undefined;
  readonly retention: object;
}

/** @param file what a message about the plan names, and where the settings are looked for */
const planToRun = (file: string, plan: PrunePlanText): PlanToRun => ({
  file,
  text: stringify({ version: 1, kind: 'prune', ...plan }, { aliasDuplicateObjects: false }),
});

async function onlyRepository(context: CommandContext): Promise<string> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const names = Object.keys(hub.settings.repositories);
  if (names.length === 1 && names[0] !== undefined) return names[0];
  throw usage(`say which repository: --repository ${names.join(' or ')}`);
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run prune --help`.' });
