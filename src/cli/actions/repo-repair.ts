import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.care.repair(context.args[0] ?? '');
  print(context, output, ({ style }) => {
    const { repository, path, id, made, put_aside: aside } = output;
    const done = style.green(style.symbols.done);
    if (!made) return [`${done} ${repository}: nothing to do, ${printable(path)} is the repository ${id}`];
    return [
      `${done} ${repository}: ${printable(path)} is the repository ${id} again`,
      ...(aside === null ? [] : [`  the damaged file is kept for 7 days: ${printable(aside)}`]),
    ];
  });
  return 0;
}
