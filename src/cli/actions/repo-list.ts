import { repositoriesReport } from '../../view/reports/repositories-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.care.repositories({ probe: false });
  print(context, output, (options) => repositoriesReport(output, options));
  return 0;
}
