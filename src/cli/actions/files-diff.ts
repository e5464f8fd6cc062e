import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { filesDifferenceReport, filesDifferencesEnd } from '../../view/reports/files-found-report.ts';
import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { pointRequest } from '../files/file-target.ts';
import type { FilePlace, FilesClient } from '../../files/client/files-client.ts';
import type { FilesDifferenceOutput } from '../../schemas/types.ts';
import { differencesIn, type SearchEnd } from '../../files/client/found.ts';
import { openPoint, passphraseOf, type OpenPoint } from '../files/in-point.ts';
import { reachFiles } from '../files/reach-files.ts';
import { print } from '../print.ts';
import { tellUnreadable } from './files-find.ts';

export async function diff(context: CommandContext): Promise<number> {
  const [first = '', second = '', text] = context.args;
  const requests = [await pointRequest(context, first), await pointRequest(context, second)] as const;
  using signals = installSignals();
  const signal = signals.gently;
  await using reached = await reachFiles(context);
  const { client } = reached;
  const known = await client.unchanged(...requests, signal);
  tellRemarks(context, known.remarks);
  const older = { ...requests[0], point: known.before };
  const newer = { ...requests[1], point: known.after };
  if (known.same && text === undefined) return tellEnd(context, noCounts(), { same: true });
  const passphrase = passphraseOf(context);
  if (known.same && text !== undefined) {
    // What is not there is told all the same.
    const { at } = await openPoint(context, client, newer, passphrase);
    await client.stat(await at(text), true);
    return tellEnd(context, noCounts(), { same: true });
  }
  const [before, after] = await Promise.all(
    [older, newer].map((one) => openPoint(context, client, one, passphrase)) as [
      Promise<OpenPoint>,
      Promise<OpenPoint>,
    ],
  );
  const places = await placesOf(before, after, text);
  const { volumes } = await client.unchanged(older, newer, signal);
  return await compare(context, client, { before, after, places, unchanged: new Set(volumes), signal });
}

interface Compared {
  readonly before: OpenPoint;
  readonly after: OpenPoint;
  readonly places: Awaited<ReturnType<typeof placesOf>>;
  /** Volumes of which no block differs. */
  readonly unchanged: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

async function compare(
  context: CommandContext,
  client: FilesClient,
  { before, after, places, unchanged, signal }: Compared,
): Promise<number> {
  const { content = false } = context.options as { readonly content?: boolean };
  const trouble: string[] = [];
  const skipped: string[] = [];
  const counts = noCounts();
  const sessions = { before: before.files.id, after: after.files.id };
  for (const place of places) {
    if (unchanged.has(place.volume)) {
      await client.stat({ session: sessions.after, ...place }, true, false);
      skipped.push(place.volume);
      continue;
    }
    const ended = ({ unreadable }: SearchEnd): void => void trouble.push(...unreadable);
    for await (const found of differencesIn(client, { ...sessions, ...place, content }, { signal, ended })) {
      counts[found.change]++;
      print(context, found, (options) => filesDifferenceReport(found, options));
    }
  }
  tellEnd(context, counts, { skipped });
  return tellUnreadable(context, trouble);
}

const noCounts = (): Record<FilesDifferenceOutput['change'], number> => ({
  added: 0,
  removed: 0,
  changed: 0,
  metadata: 0,
});

function tellEnd({ global, terminal }: CommandContext, ...end: Parameters<typeof filesDifferencesEnd>): 0 {
  if (!global.json && !global.quiet) terminal.stderr.write(`${filesDifferencesEnd(...end)}\n`);
  return 0;
}

function tellRemarks({ global, terminal }: CommandContext, remarks: readonly string[]): void {
  if (global.quiet) return;
  for (const remark of remarks)
    terminal.stderr.write(
      `${terminal.errorStyle.yellow('not compared by block index:')} ${printable(remark)}; all files are looked at\n`,
    );
}

/** The folder that was named, or the roots of all volumes that can be read in one of them. */
async function placesOf(
  before: OpenPoint,
  after: OpenPoint,
  text: string | undefined,
): Promise<readonly Pick<FilePlace, 'volume' | 'path'>[]> {
  if (text !== undefined) return [await before.at(text), await after.at(text)].slice(0, 1);
  const roots = [...(await before.roots()), ...(await after.roots())];
  const volumes = [...new Set(roots.map(({ volume }) => volume))];
  if (volumes.length === 0)
    throw new SendenseError('files.volume', 'neither restore point has a volume that can be read');
  return volumes.map((volume) => ({ volume, path: '' }));
}
