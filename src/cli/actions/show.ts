import { exactly } from '../../view/terminal.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readJobLogs } from '../../hub/describe-run.ts';
import type { Hub, ListLine } from '../../hub/hub.ts';
import type { ShowRunOutput } from '../../schemas/types.ts';
import { jobLogReport, runReport } from '../../view/run-report.ts';
import { showReport } from '../../view/show-report.ts';
import type { CommandContext } from '../command.ts';
import { importHint, targetIn, unknownName } from '../find-target.ts';
import { print } from '../print.ts';

/** A VM or a restore point; a run where there is neither of that name, or where one is asked for. */
export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const [name] = context.args;
  const { repository, run: wantsRun, log } = context.options as { repository?: string; run?: boolean; log?: boolean };
  if ((wantsRun || log) && name === undefined)
    throw new SendenseError('usage', 'say which run', { remedy: 'See `sendense-run status`.' });
  const points = await hub.lines({ repository });
  const target = name === undefined ? { vm: onlyVm(points) } : wantsRun || log ? undefined : targetIn(points, name);
  if (target) {
    const repositories = repositoriesOf(points, target);
    for (const [at, held] of repositories.entries()) {
      const output = await hub.show({ ...target, repository: held });
      const several = repositories.length > 1;
      print(context, output, (options) => [...(at === 0 ? [] : ['']), ...showReport(output, { ...options, several })]);
    }
    return 0;
  }
  const found = await hub.showRun(name ?? '');
  if (!found) throw unknownName(points, name ?? '', wantsRun || log ? 'no run' : 'no VM, no restore point and no run');
  if (log) await printLog(context, found);
  else print(context, found, (options) => runReport(found, options));
  return 0;
}

/** Each has chains of its own, also of a VM that was copied from one to the other. */
const repositoriesOf = (points: readonly ListLine[], target: { vm: string } | { point: string }): string[] => {
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

function onlyVm(points: Awaited<ReturnType<Hub['lines']>>): string {
  const vms = [...new Set(points.map(({ vm }) => vm))];
  if (vms.length === 1 && vms[0] !== undefined) return vms[0];
  throw vms.length === 0
    ? new SendenseError('point.unknown', 'there are no restore points yet', {
        remedy: `Run a backup plan: \`sendense-run PLAN\`. ${importHint}`,
      })
    : new SendenseError('usage', `say which VM: ${vms.join(', ')}`, {
        remedy: `For example \`sendense-run show ${vms[0]}\`.`,
      });
}
