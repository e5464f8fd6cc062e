import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Answer } from '../../../files/protocol.ts';
import { entriesOf } from '../../../files/reader/check-answer.ts';
import { shownEntry } from '../../../files/shown.ts';
import type { FilesDifferenceOutput, FilesEntry } from '../../../schemas/types.ts';
import type { OpenFiles } from '../open-files.ts';
import { differenceOf, merged, needsBytes, whatDiffers } from './differences.ts';
import { sameContent, type ComparedFile } from './same-content.ts';

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
    const found = await files.ask('stat', { volume, path, follow: true, bare: true });
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
      const path = Buffer.from(pair.after.id, 'base64url').toString('base64');
      const file = ({ files }: Side): ComparedFile => ({ files, volume, path });
      if (!(await sameContent(file(before), file(after), pair.after.size, signal))) what = ['content', ...what];
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
