import { repositoryReport } from '../../view/reports/repositories-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.care.repositories({ repository: context.args[0], probe: true });
  print(context, output, (options) => repositoryReport(output, options));
  return output.repositories.some(({ state }) => state === 'unusable') ? 1 : 0;
}
