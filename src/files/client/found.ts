import type { IncomingMessage } from 'node:http';
import type { FilesDifferenceOutput, FilesEntry } from '../../schemas/types.ts';
import { cutOff } from './cut-off.ts';
import { judgedLine, strange, type FoundForm } from './judge-answers.ts';
import type { ComparedPlace, FilePlace, FilesClient } from './files-client.ts';

/** What the end of a search says. */
export interface SearchEnd {
  /** Names that were looked at. */
  readonly seen: number;
  readonly unreadable: readonly string[];
}

interface LineOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears the last line. */
  ended(end: SearchEnd): void;
}

/**
 * What a search finds, one after the other.
 * @throws SendenseError `files.reader` where the answer is cut off
 */
export async function* searchIn(
  client: FilesClient,
  place: FilePlace,
  query: Readonly<Record<string, string>>,
  options: LineOptions,
): AsyncGenerator<FilesEntry> {
  yield* found<FilesEntry>('what was found', await client.search(place, query, options.signal), options);
}

/** What differs between two restore points, as {@link searchIn}. */
export async function* differencesIn(
  client: FilesClient,
  compared: ComparedPlace,
  options: LineOptions,
): AsyncGenerator<FilesDifferenceOutput> {
  yield* found<FilesDifferenceOutput>('what differs', await client.compare(compared, options.signal), options);
}

async function* found<T extends object>(
  what: FoundForm,
  answer: IncomingMessage,
  { signal, ended }: LineOptions,
): AsyncGenerator<T> {
  let end: SearchEnd | undefined;
  for await (const line of linesOf(answer, signal)) {
    const value = judgedLine(what, line);
    if ('seen' in value) end = value as SearchEnd;
    else yield value as T;
  }
  if (end === undefined) throw cutOff();
  ended(end);
}

/** A line has two entries at most, each with a whole path. */
const mostLineBytes = 4 * 1024 * 1024;

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
      if (rest.length > mostLineBytes) throw strange('a line does not end');
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? cutOff(error) : error;
  } finally {
    // Who needs no more ends the search at the reader, too.
    answer.destroy();
  }
}
