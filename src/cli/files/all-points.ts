import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { FilesEntry, FilesHistoryOutput } from '../../schemas/types.ts';
import type { CommandContext } from '../command.ts';
import { unknownName } from '../find-target.ts';
import type { FilesClient } from '../../files/client/files-client.ts';
import { searchIn } from '../../files/client/found.ts';
import { comparePaths, placeText } from '../../files/paths.ts';
import { openPoint, passphraseOf } from './in-point.ts';
import { reachFiles } from './reach-files.ts';

interface AllFound {
  /** By their paths. */
  readonly found: readonly FilesHistoryOutput[];
  /** What could not be read. */
  readonly trouble: readonly string[];
}

interface Point {
  readonly vm: string;
  readonly repository: string;
  readonly backup_id: string;
  readonly created: number;
}

/** Searches all restore points of a VM, oldest first, one after the other. */
export async function findInAllPoints(
  context: CommandContext,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AllFound> {
  const points = await pointsOf(context);
  const history = createHistory(points.length);
  const trouble: string[] = [];
  const passphrase = passphraseOf(context);
  await using reached = await reachFiles(context);
  for (const point of points) {
    signal.throwIfAborted();
    try {
      await inOpened(context, reached.client, { point, passphrase }, async (opened) => {
        const [, text] = context.args;
        const places = text === undefined ? await opened.roots() : [await opened.at(text)];
        for (const place of places)
          for await (const entry of searchIn(reached.client, place, query, {
            signal,
            ended: ({ unreadable }) => trouble.push(...unreadable.map((line) => `${point.backup_id}: ${line}`)),
          }))
            history.add(point, place.volume, entry);
      });
    } catch (error) {
      signal.throwIfAborted();
      const told = toSendenseError(error);
      // The folder that is searched need not have been there always.
      if (told.code === 'files.path') continue;
      trouble.push(`${point.backup_id}: ${told.message}`);
    }
  }
  return { found: history.end(), trouble };
}

async function pointsOf(context: CommandContext): Promise<Point[]> {
  const [vm = ''] = context.args;
  const { repository, identity } = context.options as { readonly repository?: string; readonly identity?: string };
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const points = await hub.lines({ vm, repository: context.rescued === undefined ? repository : undefined });
  if (points.length === 0) throw unknownName(await hub.lines({}), vm, 'no VM with restore points', context.rescued);
  if (identity !== undefined)
    throw new SendenseError('usage', '--all-points searches all restore points under a name: it takes no --identity');
  return points.toSorted((a, b) => a.created - b.created);
}

/** One that this command has opened is closed again. */
async function inOpened(
  context: CommandContext,
  client: FilesClient,
  { point, passphrase }: { readonly point: Point; passphrase(): Promise<string | null> },
  act: (opened: Awaited<ReturnType<typeof openPoint>>) => Promise<void>,
): Promise<void> {
  const before = new Set((await client.mounts()).mounts.map(({ id }) => id));
  const { vm, repository, backup_id: id } = point;
  const more = context.rescued === undefined ? { repository } : {};
  const opened = await openPoint(context, client, { vm, point: id, ...more }, passphrase);
  try {
    await act(opened);
  } finally {
    if (!before.has(opened.files.id)) await client.close(opened.files.id);
  }
}

interface History {
  add(point: Pick<Point, 'vm' | 'backup_id' | 'created'>, volume: string, entry: FilesEntry): void;
  end(): FilesHistoryOutput[];
}

/** What was found, by path; restore points come oldest first. */
export function createHistory(of: number): History {
  const paths = new Map<string, { id: Buffer; file: FilesHistoryOutput }>();
  return {
    add({ vm, backup_id: id, created }, volume, entry) {
      const key = `${volume}:${entry.id}`;
      const known = paths.get(key)?.file ?? {
        version: 1,
        vm,
        volume,
        path: placeText(volume, entry).slice(volume.length + 1),
        points: [],
        of,
        last_created: created,
        versions: [],
      };
      paths.set(key, { id: Buffer.from(entry.id, 'base64url'), file: known });
      known.points.push(id);
      known.last_created = created;
      const { type, size, mtime_ns } = entry;
      const last = known.versions.at(-1);
      if (last?.type === type && last.size === size && last.mtime_ns === mtime_ns) {
        last.last = id;
        last.points++;
      } else known.versions.push({ size, mtime_ns, type, first: id, last: id, points: 1 });
    },
    end: () =>
      [...paths.values()]
        .toSorted((a, b) =>
          a.file.volume < b.file.volume ? -1 : a.file.volume > b.file.volume ? 1 : comparePaths(a.id, b.id),
        )
        .map(({ file }) => file),
  };
}
