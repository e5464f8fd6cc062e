import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Answer } from '../../../files/protocol.ts';
import { entriesOf } from '../../../files/reader/check-answer.ts';
import { shownEntry } from '../../../files/shown.ts';
import type { FilesDifferenceOutput, FilesEntry } from '../../../schemas/types.ts';
import type { OpenFiles } from '../open-files.ts';
import { differenceOf, merged, needsBytes, whatDiffers } from './differences.ts';
import { equalStreams } from './equal-streams.ts';

/** What is compared, of two open restore points. */
export interface Sides {
  readonly volume: string;
  readonly before: Side | null;
  readonly after: Side | null;
  readonly fileSystem: string | null;
}

/** A folder of one of them. */
interface Side {
  readonly files: OpenFiles;
  /** Its bytes. */
  readonly folder: Buffer;
}

/**
 * A folder in two restore points. One that has no such volume counts as if nothing were in it.
 * @param path base64 of the folder's bytes
 * @throws SendenseError `files.volume` where neither has the volume, and what `stat` throws
 */
export async function sidesOf(
  before: OpenFiles,
  after: OpenFiles,
  { volume, path }: { readonly volume: string; readonly path: string },
): Promise<Sides> {
  const known = [before, after].map((files) => files.info().volumes.find(({ id }) => id === volume));
  if (known.every((one) => one === undefined))
    throw new SendenseError('files.volume', `neither restore point has a volume ${volume}`);
  const sides = [before, after].map(async (files, index) => {
    if (known[index] === undefined) return null;
    const found = await files.ask('stat', { volume, path, follow: true });
    if (found.type !== 'folder') throw new SendenseError('files.type', `this is no folder: ${found.type}`);
    return { files, folder: Buffer.from(found.path, 'base64') };
  });
  const [one = null, other = null] = await Promise.all(sides);
  return { volume, before: one, after: other, fileSystem: known[1]?.type ?? known[0]?.type ?? null };
}

interface CompareOptions {
  /** Compares the bytes of files that differ in metadata only. */
  readonly content: boolean;
  readonly signal: AbortSignal;
  onDifference(found: FilesDifferenceOutput): Promise<void>;
}

/** Walks both sides at a time, and keeps nothing of them. */
export async function compareFiles(
  { volume, before, after, fileSystem }: Sides,
  { content, signal, onDifference }: CompareOptions,
): Promise<Answer<'walk'>> {
  const unreadable: string[] = [];
  let seen = 0;
  const walk = (side: Side | null): AsyncIterable<FilesEntry> =>
    side === null
      ? nothing()
      : entriesBelow(side, volume, { signal, ended: (end) => unreadable.push(...end.unreadable) });
  for await (const pair of merged(walk(before), walk(after))) {
    seen++;
    let what = pair.before && pair.after ? whatDiffers(pair.before, pair.after, fileSystem) : [];
    if (content && before && after && pair.before && pair.after && needsBytes(pair.before, what)) {
      const at = ({ files }: Side, { id }: FilesEntry): Readable => contentOf(files, { volume, id }, signal);
      if (!(await sameBytes(at(before, pair.before), at(after, pair.after)))) what = ['content', ...what];
    }
    const found = differenceOf(volume, pair, what);
    if (found) await onDifference(found);
  }
  return { seen, unreadable };
}

// eslint-disable-next-line require-yield
async function* nothing(): AsyncGenerator<FilesEntry> {}

async function* entriesBelow(
  { files, folder }: Side,
  volume: string,
  { signal, ended }: { readonly signal: AbortSignal; ended(end: Answer<'walk'>): void },
): AsyncGenerator<FilesEntry> {
  const entries = new PassThrough({ objectMode: true, highWaterMark: 256 });
  const enough = new AbortController();
  const stop = AbortSignal.any([signal, enough.signal]);
  const onBytes = entriesOf(async (entry) => {
    if (!entries.write(shownEntry(entry, folder))) await once(entries, 'drain', { signal: stop });
  });
  const ask = { volume, path: folder.toString('base64'), filter: {} };
  const walk = async (): Promise<void> => {
    ended(await files.ask('walk', ask, { signal: stop, onBytes }));
    entries.end();
  };
  walk().catch((error: unknown) => entries.destroy(error as Error));
  try {
    yield* entries as AsyncIterable<FilesEntry>;
  } finally {
    enough.abort();
    entries.destroy();
  }
}

function contentOf(
  files: OpenFiles,
  { volume, id }: { readonly volume: string; readonly id: string },
  signal: AbortSignal,
): Readable {
  const stream = new PassThrough();
  const enough = new AbortController();
  const stop = AbortSignal.any([signal, enough.signal]);
  stream.once('close', () => enough.abort());
  const onBytes = async (bytes: Buffer): Promise<void> => {
    if (!stream.write(bytes)) await once(stream, 'drain', { signal: stop });
  };
  const path = Buffer.from(id, 'base64url').toString('base64');
  files.read({ volume, path, offset: 0, length: null }, { signal: stop, onBytes }).then(
    () => stream.end(),
    (error: unknown) => stream.destroy(error as Error),
  );
  return stream;
}

async function sameBytes(one: Readable, other: Readable): Promise<boolean> {
  // Where one side fails, the other's end is of no interest.
  for (const stream of [one, other]) stream.on('error', () => undefined);
  try {
    return await equalStreams(one, other);
  } finally {
    one.destroy();
    other.destroy();
  }
}
