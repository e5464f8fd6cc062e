import { fit } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { toNamedPoint } from '../marked-point.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await toNamedPoint(context, hub, (point) => hub.retention.unprotect(point));
  print(context, output, ({ columns }) => fit(`${output.backup_id} of ${output.vm} is not protected`, columns));
  return 0;
}
