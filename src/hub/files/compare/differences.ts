import { SendenseError } from '../../../errors/sendense-error.ts';
import { comparePaths, placeText } from '../../../files/paths.ts';
import type { FilesDifferenceOutput, FilesEntry } from '../../../schemas/types.ts';

type What = FilesDifferenceOutput['what'];

/** One path in two restore points; null where it is not there. */
interface Pair {
  readonly before: FilesEntry | null;
  readonly after: FilesEntry | null;
}

/**
 * Two walks side by side, in the order of their paths: nothing but one entry of each is kept.
 * @throws SendenseError `files.reader` where a walk is not in that order
 */
export async function* merged(
  before: AsyncIterable<FilesEntry>,
  after: AsyncIterable<FilesEntry>,
): AsyncGenerator<Pair> {
  await using one = inOrder(before);
  await using other = inOrder(after);
  let [a, b] = await Promise.all([one.next(), other.next()]);
  while (a || b) {
    const order = !a ? 1 : !b ? -1 : comparePaths(a.path, b.path);
    yield { before: order <= 0 ? (a?.entry ?? null) : null, after: order >= 0 ? (b?.entry ?? null) : null };
    [a, b] = await Promise.all([order <= 0 ? one.next() : a, order >= 0 ? other.next() : b]);
  }
}

interface Stepped {
  readonly path: Buffer;
  readonly entry: FilesEntry;
}

function inOrder(entries: AsyncIterable<FilesEntry>): AsyncDisposable & { next(): Promise<Stepped | null> } {
  const iterator = entries[Symbol.asyncIterator]();
  let last: Buffer | null = null;
  return {
    async next() {
      const { done, value } = await iterator.next();
      if (done === true) return null;
      const path = Buffer.from(value.id, 'base64url');
      if (last !== null && comparePaths(last, path) >= 0)
        throw new SendenseError('files.reader', 'the reader tells of files in a wrong order');
      last = path;
      return { path, entry: value };
    },
    async [Symbol.asyncDispose]() {
      await iterator.return?.();
    },
  };
}

/** Types of file systems that number their inodes anew each time. */
const withoutInodes = new Set(['vfat', 'exfat', 'iso9660', 'udf']);

/** What is not the same of two entries under one path. A folder differs by what it is itself, not by what is in it. */
export function whatDiffers(before: FilesEntry, after: FilesEntry, fileSystem: string | null): What {
  if (before.type !== after.type) return ['type'];
  const what: string[] = [];
  const note = (name: string, same: boolean): void => void (same || what.push(name));
  const isFile = before.type === 'file';
  note('size', !isFile || before.size === after.size);
  note('mtime', !isFile || before.mtime_ns === after.mtime_ns);
  note('target', before.target === after.target);
  note('device', before.device === after.device);
  note('mode', before.mode === after.mode);
  note('owner', before.uid === after.uid && before.gid === after.gid);
  note('ctime', !isFile || before.ctime_ns === after.ctime_ns);
  note('inode', !isFile || withoutInodes.has(fileSystem ?? '') || before.inode === after.inode);
  return what;
}

const content = new Set(['type', 'content', 'size', 'mtime', 'target', 'device']);

/** Whether only bytes can tell if the content is another one. */
export const needsBytes = ({ type }: FilesEntry, what: What): boolean =>
  type === 'file' && what.length > 0 && !what.some((name) => content.has(name));

/** @param what of both, where it is in both; empty: no difference */
export function differenceOf(volume: string, { before, after }: Pair, what: What): FilesDifferenceOutput | null {
  const there = after ?? before;
  if (!there || (before && after && what.length === 0)) return null;
  const change = !before
    ? 'added'
    : !after
      ? 'removed'
      : what.some((name) => content.has(name))
        ? 'changed'
        : 'metadata';
  return { version: 1, volume, path: placeText(volume, there).slice(volume.length + 1), change, what, before, after };
}
