import { join } from 'node:path';
import { stringify } from 'yaml';
import { SendenseError } from '../errors/sendense-error.ts';
import { keepsNothing } from '../plan/checks/check-retention.ts';
import { ruleNames } from '../schemas/retention-rules.ts';
import { isBackup } from '../plan/plan-kinds.ts';
import { preparePlan } from '../plan/expand/prepare-plan.ts';
import type { CommandContext } from './command.ts';
import { findPoint } from './find-point.ts';
import { planFile } from './plan-file.ts';
import type { PlanToRun } from './run-plan.ts';

/** Options of `prune` that say what goes. */
export interface PruneWords {
  readonly vm?: readonly string[];
  readonly identity?: string;
  readonly repository?: string;
  readonly plan?: string;
  readonly point?: readonly string[];
  readonly minAge?: string;
  readonly timezone?: string;
}

/** The plan of kind prune that a command line stands for. @throws SendenseError `usage`, `point.unknown` */
export async function prunePlan(context: CommandContext): Promise<PlanToRun> {
  const words = context.options as unknown as PruneWords;
  assertOneWay(context.options, words);
  if (words.point !== undefined) return await ofPoints(context, words, words.point);
  return words.plan === undefined ? await ofFlags(context, words) : ofPlan(context, words, words.plan);
}

/** What says which restore points go is one thing. @throws SendenseError `usage` */
export function assertOneWay(flags: CommandContext['options'], words: PruneWords): void {
  const { point, plan, repository } = words;
  const rules = Object.keys(retentionOf(flags, words)).length > 0;
  if (point !== undefined && (rules || plan !== undefined))
    throw usage('--point names what goes; leave --plan and the rules out');
  if (plan === undefined) return;
  if (rules) throw usage('--plan brings its own retention; leave the other rules out');
  if (repository !== undefined) throw usage('--plan names its own repository; leave --repository out');
}

async function ofPoints(context: CommandContext, words: PruneWords, named: readonly string[]): Promise<PlanToRun> {
  const { repository, points: remove } = await namedPoints(context, words, named);
  return planToRun(join(process.cwd(), 'prune.yaml'), { name: 'remove', repository, identity: words.identity, remove });
}

/** What `--point` names, in one repository. @throws SendenseError `usage`, `point.unknown` */
export async function namedPoints(
  context: CommandContext,
  words: PruneWords,
  named: readonly string[],
): Promise<{ readonly repository: string; readonly points: readonly string[] }> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const [vm, ...others] = words.vm ?? [];
  if (others.length > 0) throw usage('--point is for the restore points of one VM: name one with --vm, or none');
  const found = [];
  for (const point of named)
    found.push(
      vm === undefined
        ? onlyPoint(await hub.lines({ repository: words.repository }), point)
        : await findPoint(hub, { name: vm, words: point, repository: words.repository }),
    );
  const [repository = '', ...more] = new Set(found.map((one) => one.repository));
  if (more.length > 0)
    throw usage(`these restore points are in ${[repository, ...more].join(' and ')}: name one repository at a time`);
  return { repository, points: [...new Set(found.map(({ point }) => point))] };
}

type Line = { readonly backup_id: string; readonly repository: string };

/** @throws SendenseError `point.unknown`, `usage` where several repositories have it */
function onlyPoint(lines: readonly Line[], id: string): { readonly point: string; readonly repository: string } {
  const [first, ...others] = [...new Set(lines.filter((line) => line.backup_id === id).map((line) => line.repository))];
  if (first === undefined)
    throw new SendenseError('point.unknown', `there is no restore point ${id}`, {
      remedy: '`sendense-run list` shows the ids. With `--vm VM`, `--point` also takes `yesterday` and times.',
    });
  if (others.length > 0) throw usage(`restore point ${id} is in ${[first, ...others].join(' and ')}: say --repository`);
  return { point: id, repository: first };
}

async function ofFlags(context: CommandContext, options: PruneWords): Promise<PlanToRun> {
  const retention = rulesIn(context);
  const repository = options.repository ?? (await onlyRepository(context));
  const { vm: vms, identity } = options;
  return planToRun(join(process.cwd(), 'prune.yaml'), { name: 'prune', repository, vms, identity, retention });
}

/** The rules on a command line that has some. @throws SendenseError `usage` */
export function rulesIn({ options }: CommandContext): Record<string, unknown> {
  const retention = retentionOf(options, options as PruneWords);
  if (Object.keys(retention).length === 0)
    throw usage('say what stays: --plan FILE, or for example --keep-last 3 --keep-daily 7 --keep-weekly 5');
  if (keepsNothing(retention)) throw usage('no rule given here keeps a restore point');
  return retention;
}

/** Empty: there is none. @throws SendenseError `usage` */
function retentionOf(flags: CommandContext['options'], { minAge, timezone }: PruneWords): Record<string, unknown> {
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
function ofPlan(context: CommandContext, options: PruneWords, file: string): PlanToRun {
  const path = planFile(file, { implied: false });
  const { vm: vms, identity } = options;
  const { plan, pipeline } = preparePlan(path, { config: context.global.config });
  // What is wrong with it is said by whoever runs it.
  if (!plan || !pipeline) return { file: path };
  if (plan.kind === 'prune' && ((vms === undefined && identity === undefined) || plan.remove)) return { file: path };
  const retention = 'retention' in plan ? plan.retention : undefined;
  if (!retention) throw usage(`${file} has no retention`);
  if (plan.kind === 'prune')
    return planToRun(path, {
      ...only({ ...plan, retention }),
      vms: vms ?? plan.vms,
      identity: identity ?? plan.identity,
    });
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
}): PrunePlanText => ({
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
  readonly retention?: object;
  readonly remove?: readonly string[];
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
