import { listReport } from '../../view/list-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const vm = context.args[0];
  const filter = { vm, repository: context.options['repository'] as string | undefined };
  if (context.global.json) {
    print(context, await hub.list(filter), () => []);
    return 0;
  }
  const points = await hub.lines(filter);
  print(context, null, (options) => listReport({ points }, vm, options));
  return 0;
}
