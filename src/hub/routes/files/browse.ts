import type { Readable } from 'node:stream';
import { flag, isOn } from '../../../api/flags.ts';
import { largest, limit, number, numberOf } from '../../../api/numbers.ts';
import { word, wordOf } from '../../../api/words.ts';
import { entriesOf } from '../../../files/reader/check-answer.ts';
import { doubledWhy, type Entry, type EntryType, type WalkFilter } from '../../../files/protocol.ts';
import { pathId, shownEntry, shownName } from '../../../files/shown.ts';
import type { FilesListOutput, FilesStatOutput } from '../../../schemas/types.ts';
import { lineOf, noBytes, streamOf } from './bytes.ts';
import { recorded } from './recorded.ts';
import {
  aboutSession,
  readerOf,
  defineRoute,
  pathOf,
  place,
  readErrors,
  session,
  sessionOf,
  workErrors,
} from './route.ts';

const mostEntries = 10_000;
/** Of the paths of a page. */
const mostPathBytes = 16 * 1024 * 1024;
const longestName = 255;
/** A file may say that it was changed before 1970. */
const times = [-largest, largest] as const;

export const listFiles = defineRoute({
  id: 'listFiles',
  method: 'GET',
  path: '/api/v1/restore/{id}/files',
  tag: 'restore',
  summary: 'What a folder holds',
  description: 'A page of it, in the order of the bytes of the names.',
  about: aboutSession,
  params: session,
  query: {
    ...place,
    after: { description: '`next` of the page before.' },
    limit: limit('Entries of a page, fewer where their paths are long', 1000, mostEntries),
  },
  answers: { 200: { description: 'The entries.', schema: 'output/files-list.json' } },
  errors: readErrors,
  async handle(call): Promise<FilesListOutput> {
    const { query, signal } = call;
    const files = sessionOf(call);
    const volume = query['volume'] ?? '';
    const after = query['after'] === undefined ? null : pathOf(query, 'after');
    const found: Entry[] = [];
    const path = pathOf(query);
    const room = Math.max(1, Math.floor(mostPathBytes / (path.length + longestName)));
    const most = Math.min(numberOf(query, 'limit', 1000), room);
    const onBytes = entriesOf((entry) => {
      if (found.push(entry) > most) throw new Error('more entries than were asked for');
    });
    const ask = { volume, path, after, limit: most };
    const answer = await files.ask('list', ask, { signal, onBytes });
    const folder = Buffer.from(answer.path, 'base64');
    const last = found.at(-1);
    return {
      version: 1,
      volume,
      path: `/${shownName(folder)}`,
      id: pathId(folder),
      total: answer.total,
      entries: found.map((entry) => shownEntry(entry, folder)),
      unreadable: [...answer.unreadable],
      next: answer.more && last ? Buffer.from(last.name, 'base64').toString('base64url') : null,
    };
  },
});

export const statFile = defineRoute({
  id: 'statFile',
  method: 'GET',
  path: '/api/v1/restore/{id}/stat',
  tag: 'restore',
  summary: 'All that is known of a file',
  about: aboutSession,
  params: session,
  query: {
    ...place,
    follow: flag('`yes`: what a link leads to, in place of the link.'),
    xattrs: flag('`no`: without extended attributes, which is quicker.'),
  },
  answers: { 200: { description: 'The file.', schema: 'output/files-stat.json' } },
  errors: readErrors,
  async handle(call): Promise<FilesStatOutput> {
    const { query, signal } = call;
    const volume = query['volume'] ?? '';
    const ask = {
      volume,
      path: pathOf(query),
      follow: isOn(query['follow']),
      ...(isOn(query['xattrs'], true) ? {} : { bare: true }),
    };
    const { path, xattrs, doubled, ...entry } = await sessionOf(call).ask('stat', ask, { signal });
    const whole = Buffer.from(path, 'base64');
    const cut = whole.lastIndexOf('/');
    return {
      version: 1,
      volume,
      path: `/${shownName(whole)}`,
      entry: shownEntry(entry, cut < 0 ? Buffer.alloc(0) : whole.subarray(0, cut)),
      xattrs: xattrs.map(([name, value]) => ({ name, value })),
      warnings: doubled === true ? [`/${shownName(whole)}: ${doubledWhy}`] : [],
    };
  },
});

const entryTypes: readonly EntryType[] = ['file', 'folder', 'link', 'fifo', 'socket', 'char', 'block'];

export const searchFiles = defineRoute({
  id: 'searchFiles',
  method: 'GET',
  path: '/api/v1/restore/{id}/search',
  tag: 'restore',
  summary: 'Finds files below a folder',
  description:
    'A JSON line for each, `output/files-entry.json`, as they are found; a folder comes before what is in it. Close the connection to stop. The last line is `{"seen":…,"unreadable":[…]}`: how many names were looked at, and what could not be read.',
  about: aboutSession,
  params: session,
  query: {
    ...place,
    name: { description: 'Shell pattern of the last name, with `*`, `?` and `[…]`; default: every name.' },
    ignoreCase: flag('`yes`: small and capital letters are the same.'),
    type: word('Only of this type.', entryTypes),
    minSize: number('Bytes, at least.', [0, largest]),
    maxSize: number('Bytes, at most.', [0, largest]),
    since: number('Changed at that time or later, milliseconds since 1970.', times),
    until: number('Changed at that time or before, milliseconds since 1970.', times),
    depth: number('How many folders deep; 1: what is in the folder itself.', [0, largest]),
  },
  answers: { 200: { description: 'JSON lines.', type: 'application/jsonl' } },
  errors: workErrors,
  async handle(call): Promise<Readable> {
    const { query, isHead } = call;
    const files = sessionOf(call);
    const volume = query['volume'] ?? '';
    const path = pathOf(query);
    const filter = filterOf(query);
    // What is wrong with volume or path is an answer, not the end of a stream.
    const { path: found } = await files.ask('stat', { volume, path, follow: true, bare: true });
    const folder = Buffer.from(found, 'base64');
    if (isHead) return noBytes();
    return streamOf(
      async (onBytes, signal) => {
        const each = entriesOf((entry) => onBytes(lineOf(shownEntry(entry, folder))));
        const ask = { volume, path, filter };
        const what = { ...readerOf(call), action: 'search', volume, path: folder } as const;
        const answer = await recorded(files, what, () => files.ask('walk', ask, { signal, onBytes: each }));
        await onBytes(lineOf(answer));
      },
      { slot: files.enter('search'), closed: files.closed },
    );
  },
});

function filterOf(query: Readonly<Record<string, string>>): WalkFilter {
  const { name } = query;
  /** ns */
  const time = (key: string): string | undefined => {
    const ms = query[key];
    return ms === undefined ? undefined : String(BigInt(ms) * 1_000_000n);
  };
  return {
    names: name === undefined ? undefined : [name],
    ignoreCase: isOn(query['ignoreCase']),
    type: wordOf(query, 'type', entryTypes),
    minBytes: numberOf(query, 'minSize', undefined),
    maxBytes: numberOf(query, 'maxSize', undefined),
    since: time('since'),
    until: time('until'),
    depth: numberOf(query, 'depth', undefined),
  };
}
