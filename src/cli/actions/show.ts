import { exactly } from '../../view/terminal.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readJobLogs } from '../../hub/describe/describe-run.ts';
import type { Hub, ListLine } from '../../hub/hub.ts';
import { notReadable } from '../../restore-points/choose/left-out.ts';
import type { PointChoice, ShowOutput, ShowRunOutput } from '../../schemas/types.ts';
import { jobLogReport, runReport } from '../../view/reports/run-report.ts';
import { showReport } from '../../view/reports/show-report.ts';
import type { CommandContext } from '../command.ts';
import { alreadyPoint, onlyVm } from '../find-point.ts';
import { linesFor, targetIn, unknownName } from '../find-target.ts';
import { pointChoice } from '../point-option.ts';
import { warnOfUnlisted, warnOnce } from '../warn-of-unlisted.ts';
import { print } from '../print.ts';

interface ShowOptions {
  readonly repository?: string;
  readonly point?: string;
  readonly run?: boolean;
  readonly log?: boolean;
}

type Target = { vm: string } | { point: string };

/** A VM or a restore point; a run where there is neither of that name, or where one is asked for. */
export async function action(context: CommandContext): Promise<number> {
  const [name] = context.args;
  const { repository, run: wantsRun, log, point } = context.options as ShowOptions;
  const choice = point === undefined ? undefined : pointChoice(point);
  if ((wantsRun || log) && name === undefined)
    throw new SendenseError('usage', 'name a run', { remedy: '`sendense-run status` lists the runs.' });
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  warnOfUnlisted(context, hub);
  const points = await linesFor(hub, name, repository);
  const target =
    name === undefined
      ? { vm: onlyVm(points, context.rescued, hub.leftOut(undefined)) }
      : wantsRun || log
        ? undefined
        : targetIn(points, name);
  // Awaited: the hub is closed when this returns.
  if (target && choice !== undefined)
    return await showChosen(context, hub, repositoriesOf(points, target), target, choice);
  if (target) {
    const repositories = repositoriesOf(points, target);
    for (const [at, held] of repositories.entries()) {
      const output = await hub.show({ ...target, repository: held, warn: warnOnce(context) });
      show(context, output, { at, several: repositories.length > 1 });
    }
    return 0;
  }
  const found = context.rescued === undefined ? await hub.showRun(name ?? '') : undefined;
  if (!found)
    throw (
      notReadable(hub.leftOut(undefined), name ?? '') ??
      unknownName(points, name ?? '', whatOf(context, wantsRun || log), context.rescued)
    );
  if (log) await printLog(context, found);
  else print(context, found, (options) => runReport(found, options));
  return 0;
}

function whatOf({ rescued }: CommandContext, onlyRuns: boolean | undefined): string {
  if (onlyRuns) return 'no run';
  return rescued === undefined ? 'no VM, no restore point and no run' : 'no VM and no restore point';
}

/** In the terminal a repository that has no name goes by its path. */
function show(context: CommandContext, output: ShowOutput, { at, several }: { at: number; several: boolean }): void {
  const { rescued } = context;
  print(context, output, (options) => [
    ...(at === 0 ? [] : ['']),
    ...showReport(
      { ...output, repository: rescued ?? output.repository },
      { ...options, several: several || rescued !== undefined },
    ),
  ]);
}

/** The restore point of a VM that `--point` means. */
async function showChosen(
  context: CommandContext,
  hub: Hub,
  repositories: readonly string[],
  target: Target,
  choice: PointChoice,
): Promise<number> {
  if ('point' in target) throw alreadyPoint(target.point);
  for (const [at, repository] of repositories.entries()) {
    const { backup_id: id, why } = await hub.choose({ vm: target.vm, repository, choice });
    const output = await hub.show({ point: id, repository });
    show(context, { ...output, why }, { at, several: repositories.length > 1 });
  }
  return 0;
}

/** Each has chains of its own, also of a VM that was copied from one to the other. */
const repositoriesOf = (points: readonly ListLine[], target: Target): string[] => {
  const fits = (point: ListLine): boolean =>
    'vm' in target ? point.vm === target.vm : point.backup_id === target.point;
  return [...new Set(points.filter(fits).map(({ repository }) => repository))];
};

/** The lines as they are under --json, for each is JSON. */
async function printLog(context: CommandContext, run: ShowRunOutput): Promise<void> {
  const text = await readJobLogs(run);
  if (context.global.json) exactly(context.terminal.stdout).write(text);
  else print(context, null, (options) => jobLogReport(text, options));
}
