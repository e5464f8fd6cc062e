import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { filesListReport, filesMountsReport, filesReport, filesStatReport } from '../../view/reports/files-report.ts';
import type { FilesMountsOutput } from '../../schemas/types.ts';
import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { feed } from '../../files/feed.ts';
import { cutOff } from '../../files/client/cut-off.ts';
import { isPoint, pointRequest } from '../files/file-target.ts';
import { atPlace, inPoint } from '../files/in-point.ts';
import { reachOpenFiles } from '../files/reach-files.ts';
import { print } from '../print.ts';
import { tellUnreadable } from './files-find.ts';

interface Options {
  readonly long?: boolean;
  readonly all?: boolean;
}

export const volumes = (context: CommandContext): Promise<number> =>
  inPoint(context, async (point) => {
    for (const { volume, session } of await point.roots()) await point.client.show(session, { volume });
    const files = await point.client.show(point.files.id);
    print(context, files, (options) => filesReport(files, options));
    return 0;
  });

export const ls = (context: CommandContext): Promise<number> =>
  atPlace(context, async ({ client }, place) => {
    const { long = false } = context.options as Options;
    const trouble: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await client.list(place, { after });
      print(context, page, (options) => filesListReport(page.entries, long, options));
      trouble.push(...page.unreadable);
      if (page.next === null) return tellUnreadable(context, trouble);
      after = page.next;
    }
  });

export const stat = (context: CommandContext): Promise<number> =>
  atPlace(context, async ({ client }, place) => {
    const found = await client.stat(place);
    print(context, found, (options) => filesStatReport(found, options));
    return tellUnreadable(context, found.warnings);
  });

export const cat = (context: CommandContext): Promise<number> =>
  atPlace(context, async ({ client }, place) => {
    using signals = installSignals();
    // What needs no more of it (`| head`) goes away, and that is no failure.
    await feed(await client.content(place, { signal: signals.gently }), process.stdout).catch((error: unknown) => {
      signals.gently.throwIfAborted();
      throw (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? cutOff(error) : error;
    });
    return 0;
  });

export async function open(context: CommandContext): Promise<number> {
  const mounts: FilesMountsOutput = { version: 1, mounts: [] };
  for (const client of await reachOpenFiles(context)) mounts.mounts.push(...(await client.mounts()).mounts);
  print(context, mounts, (options) => filesMountsReport(mounts, options));
  return 0;
}

export async function close(context: CommandContext): Promise<number> {
  const { all = false } = context.options as Options;
  const [text] = context.args;
  if (all === (text !== undefined))
    throw new SendenseError('usage', all ? '--all takes no restore point' : 'say which restore point, or --all');
  // What is not open is not opened first.
  const clients = await reachOpenFiles(context);
  const meant = text === undefined ? () => true : isPoint(context, await pointRequest(context, text));
  let closed = 0;
  for (const client of clients)
    for (const one of (await client.mounts()).mounts) {
      if (!(await meant(one))) continue;
      await client.close(one.id);
      closed++;
    }
  if (text !== undefined && closed === 0 && !context.global.quiet)
    context.terminal.stderr.write(`nothing was open of ${printable(text)}\n`);
  return 0;
}
