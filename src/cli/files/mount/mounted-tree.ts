import { once } from 'node:events';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { inlineBytes } from '../../../files/protocol.ts';
import { bytesOfShown } from '../../../files/shown.ts';
import type { FilesEntry } from '../../../schemas/types.ts';
import type { FilePlace } from '../../../files/client/files-client.ts';
import type { Bounds } from './bounded.ts';
import { innerLink } from './inner-link.ts';
import type { MountedFiles } from './patient-files.ts';
import { readAhead } from './read-ahead.ts';
import { statuses, type SftpAttributes, type SftpName } from './sftp-packets.ts';
import type { SftpTree } from './sftp-server.ts';
import { windowReader, type WindowReader } from './window-reader.ts';
import { windowTurns } from './window-turns.ts';

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

interface TreeOptions {
  /** Bytes that are used. */
  readonly used: number;
  readonly bounds: Bounds;
  /** Nobody answers any more. */
  lost(error: SendenseError): void;
}

export interface MountedTree extends SftpTree {
  /** Asks whether the restore point is open; where it is not, `lost` hears of it. */
  look(): Promise<void>;
}

/** What an open restore point shows in a mounted tree. */
export function mountedTree(
  client: MountedFiles,
  roots: readonly MountedRoot[],
  { used, bounds, lost }: TreeOptions,
): MountedTree {
  const turns = windowTurns();
  const readerOf = (place: FilePlace, size: number): WindowReader =>
    windowReader({ size, bounds, turns, open: (from, to) => client.content(place, { from, to }) });
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
  let looking: Promise<void> | null = null;
  // A hub that is away is waited for: whoever asks meanwhile waits with it.
  const look = (): Promise<void> =>
    (looking ??= client
      .show(session)
      .then(
        () => undefined,
        (error: unknown) => lost(gone(error)),
      )
      .finally(() => (looking = null)));
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
        .map(({ id, size }) => {
          const file = { ...place, path: id };
          return { key: keyOf(file), read: () => wholeOf(readerOf(file, size), size) };
        }),
    );
  };
  const entryOf = async (path: Buffer): Promise<FilesEntry> => {
    const place = inVolume(path);
    return known.get(keyOf(place)) ?? (await client.stat(place, false, false)).entry;
  };
  return {
    look,
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
      const later = readerOf(place, entry.size);
      const early = ahead.opened(keyOf(place));
      const reader = early === null ? later : wholeReader(early, later);
      try {
        // Most of what cannot be read fails at its beginning: whoever opens the file can still be told.
        await reader.read(0, 1);
      } catch (error) {
        reader.close();
        throw error;
      }
      let isClosed = false;
      return {
        attributes: attributesOf(entry),
        read: (offset, length) =>
          reader.read(offset, length).catch((error: unknown) => {
            if (!isClosed) lost(torn(path, error));
            return unanswered(isClosed ? null : bounds.signal);
          }),
        close() {
          isClosed = true;
          reader.close();
        },
      };
    },
    statusOf(error) {
      const told = toSendenseError(error);
      if (isNoAnswer(error)) void look();
      if (told.code === 'files.path') return statuses.noSuchFile;
      return told.code === 'files.type' ? statuses.denied : statuses.inputOutput;
    },
  };
}

const keyOf = ({ volume, path }: FilePlace): string => `${volume}:${path}`;

/** Whoever has read the beginning of a file must not take it for all of it. */
function torn(path: Buffer, error: unknown): SendenseError {
  if (isNoAnswer(error)) return gone(error);
  const { code, message, remedy } = toSendenseError(error);
  return new SendenseError(
    code,
    `${path.toString()} cannot be read to its end (${message}); the folder is released, so that no program takes a part for the whole`,
    { remedy, cause: error },
  );
}

async function unanswered(signal: AbortSignal | null): Promise<never> {
  if (signal !== null && !signal.aborted) await once(signal, 'abort');
  throw new Error('nobody waits for the answer any more');
}

async function wholeOf(reader: WindowReader, size: number): Promise<Buffer> {
  try {
    return await reader.read(0, size);
  } finally {
    reader.close();
  }
}

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

/** What a hub elsewhere says is told as it is. */
function gone(cause: unknown): SendenseError {
  if (isFar(cause)) return toSendenseError(cause);
  if (codeOf(cause) !== 'files.session')
    return new SendenseError('files.reader', 'the restore point is not open any more', { cause });
  return new SendenseError('files.session', 'the restore point was closed meanwhile; the folder is released', {
    remedy: 'Mount it again. `sendense-run files log` says who closed it.',
    cause,
  });
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);

/** A hub elsewhere does not answer, or does not know the token any more. */
const isFar = (error: unknown): boolean => /^(?:remote|access)\./.test(codeOf(error));

/** The process that keeps the restore point open may be gone, or have closed it. */
const isNoAnswer = (error: unknown): boolean =>
  isFar(error) || /^(?:ENOENT|ECONN\w+|EPIPE|files\.(?:session|reader))$/.test(codeOf(error));
