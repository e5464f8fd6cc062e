import type { Hub } from '../../hub/hub.ts';
import { listReport } from '../../view/list-report.ts';
import type { CommandContext } from '../command.ts';
import { unknownName } from '../find-target.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const vm = context.args[0];
  const filter = { vm, repository: context.options['repository'] as string | undefined };
  const output = context.global.json ? await hub.list(filter) : null;
  const points = output?.points ?? (await hub.lines(filter));
  if (vm !== undefined && points.length === 0) await assertKnown(hub, vm);
  if (output) print(context, output, () => []);
  else print(context, null, (options) => listReport({ points }, vm, options));
  return 0;
}

/** A VM may have restore points in other repositories only. @throws SendenseError `point.unknown` */
async function assertKnown(hub: Hub, vm: string): Promise<void> {
  const all = await hub.lines({});
  if (!all.some((point) => point.vm === vm)) throw unknownName(all, vm, 'no VM with restore points');
}
