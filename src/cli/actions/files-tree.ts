import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shownName } from '../../files/shown.ts';
import type { FilesEntry, FilesFoundOutput } from '../../schemas/types.ts';
import { entryText } from '../../view/reports/files-report.ts';
import { plural } from '../../view/format.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import type { FilePlace, FilesClient } from '../../files/client/files-client.ts';
import { searchIn } from '../../files/client/found.ts';
import { placeText } from '../../files/paths.ts';
import { atPlace } from '../files/in-point.ts';
import { print } from '../print.ts';
import { tellUnreadable } from './files-find.ts';

export const tree = (context: CommandContext): Promise<number> =>
  atPlace(context, async ({ client }, place) => {
    const { depth } = context.options as { readonly depth?: string };
    const most = depth === undefined ? Number.POSITIVE_INFINITY : countOption('--depth', depth);
    using signals = installSignals();
    return await (context.global.json
      ? printAll(context, client, place, { depth, signal: signals.gently })
      : draw(context, client, place, { most, signal: signals.gently }));
  });

/** For scripts: lines, as `files find` prints them. */
async function printAll(
  context: CommandContext,
  client: FilesClient,
  place: FilePlace,
  { depth, signal }: { readonly depth: string | undefined; readonly signal: AbortSignal },
): Promise<number> {
  const trouble: string[] = [];
  const query: Record<string, string> = depth === undefined ? {} : { depth };
  const { volume } = place;
  for await (const entry of searchIn(client, place, query, {
    signal,
    ended: ({ unreadable }) => trouble.push(...unreadable),
  })) {
    const path = placeText(volume, entry).slice(volume.length + 1);
    print(context, { version: 1, volume, path, entry } satisfies FilesFoundOutput, () => []);
  }
  return tellUnreadable(context, trouble);
}

/** A folder is asked for as it is drawn: nothing of it is kept. */
async function draw(
  context: CommandContext,
  client: FilesClient,
  place: FilePlace,
  { most, signal }: { readonly most: number; readonly signal: AbortSignal },
): Promise<number> {
  const { stdout, style } = context.terminal;
  const { branch, lastBranch, trunk } = style.symbols;
  const trouble: string[] = [];
  let folders = 0;
  let files = 0;
  const into = async (folder: FilePlace, before: string, depth: number): Promise<void> => {
    for await (const { entry, last } of entriesOf(client, folder, trouble)) {
      signal.throwIfAborted();
      if (entry.type === 'folder') folders++;
      else files++;
      stdout.write(`${before}${last ? lastBranch : branch}${entryText(entry, style)}\n`);
      if (entry.type !== 'folder' || depth >= most) continue;
      try {
        await into({ ...folder, path: entry.id }, `${before}${last ? '   ' : trunk}`, depth + 1);
      } catch (error) {
        signal.throwIfAborted();
        if (!isOfFolder(error)) throw error;
        trouble.push(`${placeText(place.volume, entry)}: ${(error as Error).message}`);
      }
    }
  };
  stdout.write(`${style.bold(`${place.volume}:/${shownName(Buffer.from(place.path, 'base64url'))}`)}\n`);
  await into(place, '', 1);
  stdout.write(`\n${plural(folders, 'folder')}, ${plural(files, 'file')}\n`);
  return tellUnreadable(context, trouble);
}

/** It is damaged, or its path is too long: the others are drawn all the same. */
const isOfFolder = (error: unknown): boolean =>
  error instanceof SendenseError && (error.code === 'files.damaged' || error.code === 'files.path');

/** The entries of a folder, page by page, and whether one is the last. @param trouble gets what could not be read */
async function* entriesOf(
  client: FilesClient,
  folder: FilePlace,
  trouble: string[],
): AsyncGenerator<{ readonly entry: FilesEntry; readonly last: boolean }> {
  for (let after: string | undefined; ;) {
    const { entries, next, unreadable } = await client.list(folder, { after });
    trouble.push(...unreadable.map((line) => `${folder.volume}:${line}`));
    for (const [at, entry] of entries.entries()) yield { entry, last: next === null && at === entries.length - 1 };
    if (next === null) return;
    after = next;
  }
}
