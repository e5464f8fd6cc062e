import { installSignals } from '../../engine/install-signals.ts';
import type { FilesFoundOutput } from '../../schemas/types.ts';
import { filesFoundReport, filesHistoryReport } from '../../view/reports/files-found-report.ts';
import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { findInAllPoints } from '../files/all-points.ts';
import { searchIn, type SearchEnd } from '../../files/client/found.ts';
import { placeText } from '../../files/paths.ts';
import { searchQuery } from '../files/search-query.ts';
import { inPoint, type OpenPoint } from '../files/in-point.ts';
import type { FilePlace } from '../../files/client/files-client.ts';
import { print } from '../print.ts';

interface Options {
  readonly long?: boolean;
  readonly allPoints?: boolean;
}

/** Ends with this where something could not be read. */
const withWarnings = 3;

export function find(context: CommandContext): Promise<number> {
  const { long = false, allPoints = false } = context.options as Options;
  const query = searchQuery(context.options);
  if (allPoints) return history(context, query);
  return inPoint(context, async (point) => {
    using signals = installSignals();
    const ends: SearchEnd[] = [];
    for (const place of await placesOf(point, context.args[1]))
      for await (const entry of searchIn(point.client, place, query, {
        signal: signals.gently,
        ended: (end) => ends.push(end),
      })) {
        const found: FilesFoundOutput = {
          version: 1,
          volume: place.volume,
          path: placeText(place.volume, entry).slice(place.volume.length + 1),
          entry,
        };
        print(context, found, (options) => filesFoundReport(found, long, options));
      }
    return tellUnreadable(
      context,
      ends.flatMap(({ unreadable }) => unreadable),
    );
  });
}

/** The place that was named, else the roots of all volumes that can be read. */
export const placesOf = async (point: OpenPoint, text: string | undefined): Promise<readonly FilePlace[]> =>
  text === undefined ? point.roots() : [await point.at(text)];

async function history(context: CommandContext, query: Readonly<Record<string, string>>): Promise<number> {
  using signals = installSignals();
  const { found, trouble } = await findInAllPoints(context, query, signals.gently);
  for (const one of found) print(context, one, (options) => filesHistoryReport(one, options));
  return tellUnreadable(context, trouble);
}

export function tellUnreadable({ terminal, global }: CommandContext, lines: readonly string[]): number {
  if (lines.length === 0) return 0;
  if (!global.quiet)
    for (const line of lines)
      terminal.stderr.write(`${terminal.errorStyle.yellow('could not be read:')} ${printable(line)}\n`);
  return withWarnings;
}
