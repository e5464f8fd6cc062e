import { fit, printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { toNamedPoint } from '../marked-point.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const { forgetBoot: boot } = context.options as Readonly<Record<string, string | undefined>>;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await toNamedPoint(context, hub, (point) =>
    boot === undefined ? hub.retention.unprotect(point) : hub.retention.forgetBoot({ ...point, boot }),
  );
  const what = boot === undefined ? 'is not protected' : `is not in use by ${boot}`;
  print(context, output, ({ columns }) => fit(printable(`${output.backup_id} of ${output.vm} ${what}`), columns));
  return 0;
}
