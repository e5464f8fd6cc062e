import { pipeline } from 'node:stream/promises';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { filesListReport, filesMountsReport, filesReport, filesStatReport } from '../../view/reports/files-report.ts';
import type { CommandContext } from '../command.ts';
import { isPoint, pointRequest } from '../files/file-target.ts';
import { atPlace, inPoint } from '../files/in-point.ts';
import { reachOpenFiles } from '../files/reach-files.ts';
import { print } from '../print.ts';

interface Options {
  readonly long?: boolean;
  readonly all?: boolean;
}

export const volumes = (context: CommandContext): Promise<number> =>
  inPoint(context, async (point) => {
    for (const { volume, session } of await point.roots()) await point.client.show(session, volume);
    const files = await point.client.show(point.files.id);
    print(context, files, (options) => filesReport(files, options));
    return 0;
  });

export const ls = (context: CommandContext): Promise<number> =>
  atPlace(context, async ({ client }, place) => {
    const { long = false } = context.options as Options;
    for (let after: string | undefined; ;) {
      const page = await client.list(place, { after });
      print(context, page, (options) => filesListReport(page.entries, long, options));
      if (page.next === null) return 0;
      after = page.next;
    }
  });

export const stat = (context: CommandContext): Promise<number> =>
  atPlace(context, async ({ client }, place) => {
    const found = await client.stat(place);
    print(context, found, (options) => filesStatReport(found, options));
    return 0;
  });

export const cat = (context: CommandContext): Promise<number> =>
  atPlace(context, async ({ client }, place) => {
    using signals = installSignals();
    await pipeline(await client.content(place, { signal: signals.gently }), process.stdout, {
      end: false,
      signal: signals.gently,
    });
    return 0;
  });

export async function open(context: CommandContext): Promise<number> {
  await using reached = await reachOpenFiles(context);
  const mounts = (await reached?.client.mounts()) ?? { version: 1 as const, mounts: [] };
  print(context, mounts, (options) => filesMountsReport(mounts, options));
  return 0;
}

export async function close(context: CommandContext): Promise<number> {
  const { all = false } = context.options as Options;
  const [text] = context.args;
  if (all === (text !== undefined))
    throw new SendenseError('usage', all ? '--all takes no restore point' : 'say which restore point, or --all');
  // What is not open is not opened first.
  await using reached = await reachOpenFiles(context);
  if (!reached) return 0;
  if (text === undefined) {
    for (const { id } of (await reached.client.mounts()).mounts) await reached.client.close(id);
    return 0;
  }
  const meant = isPoint(context, await pointRequest(context, text));
  for (const one of (await reached.client.mounts()).mounts) if (await meant(one)) await reached.client.close(one.id);
  return 0;
}
