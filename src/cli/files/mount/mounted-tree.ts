import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { inlineBytes } from '../../../files/protocol.ts';
import { bytesOfShown } from '../../../files/shown.ts';
import type { FilesEntry } from '../../../schemas/types.ts';
import type { FilePlace, FilesClient } from '../../../files/client/files-client.ts';
import { innerLink } from './inner-link.ts';
import { readAhead } from './read-ahead.ts';
import { statuses, type SftpAttributes, type SftpName } from './sftp-packets.ts';
import type { SftpTree } from './sftp-server.ts';
import { windowReader, type WindowReader } from './window-reader.ts';

/** A folder of a volume under the name that it has in the mounted tree. */
export interface MountedRoot {
  /** Null: it is the whole tree. */
  readonly name: string | null;
  readonly place: FilePlace;
}

/** Types as in `st_mode`. Source: inode(7). */
const types: Readonly<Record<FilesEntry['type'], number>> = {
  file: 0o100_000,
  folder: 0o040_000,
  link: 0o120_000,
  fifo: 0o010_000,
  socket: 0o140_000,
  char: 0o020_000,
  block: 0o060_000,
  unknown: 0o100_000,
};

const second = 1_000_000_000n;
const secondsOf = (ns: string): number => {
  const value = BigInt(ns);
  return Number((value < 0n ? value - second + 1n : value) / second);
};

const attributesOf = (entry: FilesEntry): SftpAttributes => ({
  size: entry.size,
  uid: entry.uid,
  gid: entry.gid,
  mode: types[entry.type] | Number.parseInt(entry.mode, 8),
  atime: secondsOf(entry.atime_ns),
  mtime: secondsOf(entry.mtime_ns),
});

/** Of the folder that holds the volumes. */
const topAttributes: SftpAttributes = { size: 0, uid: 0, gid: 0, mode: types.folder | 0o555, atime: 0, mtime: 0 };

/** What an open restore point shows in a mounted tree. `lost` hears of it where nobody answers any more. */
export function mountedTree(
  client: FilesClient,
  roots: readonly MountedRoot[],
  { used, lost }: { readonly used: number; lost(error: SendenseError): void },
): SftpTree {
  /** Null: the folder of the volumes. */
  const placeOf = (path: Buffer): { readonly root: MountedRoot; readonly below: Buffer } | null => {
    const [only] = roots;
    if (only?.name === null) return { root: only, below: path };
    if (path.length === 0) return null;
    const cut = path.indexOf(0x2f);
    const name = path.toString('latin1', 0, cut < 0 ? path.length : cut);
    const root = roots.find((one) => one.name === name);
    if (!root) throw new SendenseError('files.path', `there is no volume ${name}`);
    return { root, below: cut < 0 ? Buffer.alloc(0) : path.subarray(cut + 1) };
  };
  const inVolume = (path: Buffer): FilePlace => {
    const found = placeOf(path);
    if (!found) throw new SendenseError('files.type', 'this is the folder of the volumes');
    const { place } = found.root;
    const above = Buffer.from(place.path, 'base64url');
    const slash = Buffer.from(above.length > 0 && found.below.length > 0 ? '/' : '');
    return { ...place, path: Buffer.concat([above, slash, found.below]).toString('base64url') };
  };
  const session = roots[0]?.place.session ?? '';
  const assertOpen = async (): Promise<void> => {
    try {
      await client.show(session);
    } catch (error) {
      lost(gone(error));
    }
  };
  const known = new Map<string, FilesEntry>();
  let letters = 0;
  const ahead = readAhead();
  const keep = (place: FilePlace, entries: readonly FilesEntry[]): void => {
    if (known.size > mostKnown || letters > mostLetters) {
      known.clear();
      letters = 0;
      ahead.clear();
    }
    for (const entry of entries) {
      known.set(keyOf({ ...place, path: entry.id }), entry);
      letters += 2 * entry.id.length;
    }
    ahead.listed(
      entries
        .filter(({ type, size }) => type === 'file' && size > 0 && size <= inlineBytes)
        .map(({ id }) => {
          const file = { ...place, path: id };
          return { key: keyOf(file), read: async () => buffer(await client.content(file)) };
        }),
    );
  };
  const entryOf = async (path: Buffer): Promise<FilesEntry> => {
    const place = inVolume(path);
    return known.get(keyOf(place)) ?? (await client.stat(place, false, false)).entry;
  };
  return {
    used,
    stat: async (path) => (placeOf(path) === null ? topAttributes : attributesOf(await entryOf(path))),
    async *list(path) {
      if (placeOf(path) === null) {
        yield roots.map(({ name }): SftpName => ({ name: Buffer.from(name ?? ''), attributes: topAttributes }));
        return;
      }
      const place = inVolume(path);
      for (let after: string | undefined; ;) {
        const { entries, next } = await client.list(place, { after, limit: pageEntries });
        keep(place, entries);
        if (entries.length > 0) yield entries.map(nameOf);
        if (next === null) return;
        after = next;
      }
    },
    async link(path) {
      const { target } = await entryOf(path);
      if (target === null) throw new SendenseError('files.type', 'this is no link');
      return innerLink(placeOf(path)?.below ?? path, bytesOfShown(target));
    },
    async open(path) {
      const place = inVolume(path);
      const entry = await entryOf(path);
      if (entry.type !== 'file') throw new SendenseError('files.type', 'this is no regular file');
      const reader = windowReader(entry.size, (from, to) => inTurn(() => client.content(place, { from, to })));
      const early = ahead.opened(keyOf(place));
      return { attributes: attributesOf(entry), ...(early === null ? reader : wholeReader(early, reader)) };
    },
    statusOf(error) {
      const told = toSendenseError(error);
      if (isNoAnswer(error)) void assertOpen();
      if (told.code === 'files.path') return statuses.noSuchFile;
      return told.code === 'files.type' ? statuses.denied : statuses.inputOutput;
    },
  };
}

/** If more files are read at the same time than `files: downloads` allows, a read waits at most so long, ms, and asks again so often. */
const turn = { mostMs: 60_000, betweenMs: 100 };

async function inTurn<T>(ask: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + turn.mostMs; ; await delay(turn.betweenMs)) {
    try {
      return await ask();
    } catch (error) {
      if (toSendenseError(error).code !== 'files.busy' || performance.now() > until) throw error;
    }
  }
}

const keyOf = ({ volume, path }: FilePlace): string => `${volume}:${path}`;

/** Reads from content that was read ahead; where that has failed, `other` says why. */
const wholeReader = (content: Promise<Buffer>, other: WindowReader): WindowReader => ({
  read: (offset, length) =>
    content.then(
      (bytes) => bytes.subarray(offset, offset + length),
      () => other.read(offset, length),
    ),
  close: () => other.close(),
});

/** Entries of a page: each has at most 255 bytes of a name, and the packet has to fit what sshfs takes. */
const pageEntries = 500;

/** Entries of folders that are kept: whoever lists a folder looks at what is in it. */
const mostKnown = 20_000;
/** Of their paths, which are long in deep folders. */
const mostLetters = 32 * 1024 * 1024;

const nameOf = (entry: FilesEntry): SftpName => {
  const path = Buffer.from(entry.id, 'base64url');
  return { name: path.subarray(path.lastIndexOf(0x2f) + 1), attributes: attributesOf(entry) };
};

const gone = (cause: unknown): SendenseError =>
  new SendenseError('files.reader', 'the restore point is not open any more', { cause });

/** The process that keeps the restore point open may be gone, or have closed it. */
const isNoAnswer = (error: unknown): boolean =>
  /^(?:ENOENT|ECONN\w+|EPIPE|files\.(?:session|reader))$/.test(String((error as NodeJS.ErrnoException).code));
