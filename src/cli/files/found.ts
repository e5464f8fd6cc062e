import type { IncomingMessage } from 'node:http';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shownName } from '../../files/shown.ts';
import type { FilesEntry } from '../../schemas/types.ts';
import type { FilePlace, FilesClient } from './files-client.ts';

/** What the end of a search says. */
export interface SearchEnd {
  /** Names that were looked at. */
  readonly seen: number;
  readonly unreadable: readonly string[];
}

/**
 * What a search finds, one after the other.
 * @param ended hears the last line
 * @throws SendenseError `files.reader` where the answer is cut off
 */
export async function* searchIn(
  client: FilesClient,
  place: FilePlace,
  query: Readonly<Record<string, string>>,
  options: { readonly signal?: AbortSignal | undefined; ended(end: SearchEnd): void },
): AsyncGenerator<FilesEntry> {
  let end: SearchEnd | undefined;
  for await (const line of linesOf(await client.search(place, query, options.signal), options.signal)) {
    const value = JSON.parse(line) as FilesEntry | SearchEnd;
    if ('seen' in value) end = value;
    else yield value;
  }
  if (end === undefined) throw cutOff();
  options.ended(end);
}

async function* linesOf(answer: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      let from = 0;
      for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, from)) {
        yield bytes.toString('utf8', from, at);
        from = at + 1;
      }
      rest = bytes.subarray(from);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? cutOff(error) : error;
  } finally {
    // Who needs no more ends the search at the reader, too.
    answer.destroy();
  }
}

/** The connection ended before the answer did. */
export const cutOff = (cause?: unknown): SendenseError =>
  new SendenseError('files.reader', 'the answer was cut off: the restore point was closed, or its reader failed', {
    cause,
  });

/** The bytes of a path: components by the bytes of their names, a folder before what is in it. */
export function comparePaths(a: Buffer, b: Buffer): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const [one = 0, other = 0] = [a[at], b[at]];
    if (one !== other) return rankOf(one) - rankOf(other);
  }
  return a.length - b.length;
}

/** A slash ends a name, and so it comes before every other byte. */
const rankOf = (byte: number): number => (byte === 0x2f ? 0 : byte + 1);

/** The whole place of an entry, as the command line takes it. */
export const placeText = (volume: string, entry: Pick<FilesEntry, 'id'>): string =>
  `${volume}:/${shownName(Buffer.from(entry.id, 'base64url'))}`;
