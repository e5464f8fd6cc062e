import { SendenseError } from '../../errors/sendense-error.ts';
import type { Hub } from '../../hub/hub.ts';
import { showReport } from '../../view/show-report.ts';
import type { CommandContext } from '../command.ts';
import { findTarget } from '../find-target.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const repository = context.options['repository'] as string | undefined;
  const target =
    context.args[0] === undefined
      ? { vm: await onlyVm(hub, repository), repository }
      : await findTarget(hub, context.args[0], repository);
  const output = await hub.show(target);
  print(context, output, (options) => showReport(output, options));
  return 0;
}

async function onlyVm(hub: Hub, repository: string | undefined): Promise<string> {
  const vms = [...new Set((await hub.list({ repository })).points.map(({ vm }) => vm))];
  if (vms.length === 1 && vms[0] !== undefined) return vms[0];
  throw vms.length === 0
    ? new SendenseError('point.unknown', 'there are no restore points yet', {
        remedy: 'Run a backup plan: `sendense-run PLAN`.',
      })
    : new SendenseError('usage', `say which VM: ${vms.join(', ')}`, {
        remedy: `For example \`sendense-run show ${vms[0]}\`.`,
      });
}
