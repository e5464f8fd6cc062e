import { SendenseError } from '../../../errors/sendense-error.ts';
import { firstLines, type FirstLines } from '../../../files/first-lines.ts';
import { leftOutBytes, type Answer, type Entry } from '../../../files/protocol.ts';
import { entriesOf } from '../../../files/reader/check-answer.ts';
import { shownName } from '../../../files/shown.ts';
import type { OpenFiles } from '../open-files.ts';
import { namesEntry, zipName } from './zip-names.ts';
import { zipStream, type ZipStream } from './zip-stream.ts';

interface Wanted {
  readonly volume: string;
  /** Files and folders, as `stat` answers of them. */
  readonly found: readonly Answer<'stat'>[];
  /** Folder below which names begin, base64; empty: the root. */
  readonly from: string;
}

interface Options {
  readonly signal: AbortSignal;
  onBytes(bytes: Buffer): Promise<void>;
}

/**
 * A zip archive of files and folders, named as below a folder in which they are. The content of one file is read at a time.
 * @returns a line for each file that is not in it, or not whole
 */
export async function zipOfFiles(
  files: OpenFiles,
  { volume, found, from }: Wanted,
  { signal, onBytes }: Options,
): Promise<{ readonly said: string }> {
  const parts: Parts = {
    files,
    volume,
    from: Buffer.from(from, 'base64'),
    zip: zipStream(onBytes),
    signal,
    names: new Map(),
    leftOut: firstLines(leftOutBytes),
  };
  for (const { path, ...entry } of found) {
    const bytes = Buffer.from(path, 'base64');
    if (!bytes.equals(parts.from)) await addEntry(parts, bytes, entry);
    if (entry.type === 'folder') await addBelow(parts, bytes);
  }
  await addNames(parts);
  await parts.zip.end();
  return { said: parts.leftOut.all().join('\n') };
}

interface Parts {
  readonly files: OpenFiles;
  readonly volume: string;
  readonly from: Buffer;
  readonly zip: ZipStream;
  readonly signal: AbortSignal;
  /** Escaped names, with the base64 of the bytes that they stand for. */
  readonly names: Map<string, string>;
  readonly leftOut: FirstLines;
}

async function addBelow(parts: Parts, folder: Buffer): Promise<void> {
  const { files, volume, signal, leftOut } = parts;
  const onBytes = entriesOf((entry) => {
    const name = Buffer.from(entry.name, 'base64');
    return addEntry(parts, folder.length === 0 ? name : Buffer.concat([folder, Buffer.from('/'), name]), entry);
  });
  const ask = { volume, path: folder.toString('base64'), filter: {} };
  const { unreadable } = await files.ask('walk', ask, { signal, onBytes });
  for (const line of unreadable) leftOut.add(`${line}\n`);
}

type Known = Pick<Entry, 'type' | 'mode' | 'mtime' | 'size' | 'target'>;

/** The type of a file as stat(2) has it. Source: inode(7). */
const typeBits = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const;

async function addEntry(parts: Parts, path: Buffer, known: Known): Promise<void> {
  parts.signal.throwIfAborted();
  const { zip, leftOut } = parts;
  const { type, mode, size } = known;
  const shown = `./${shownName(path)}`;
  if (type !== 'file' && type !== 'folder' && type !== 'link') {
    leftOut.add(`${shown}: ${type === 'unknown' ? 'cannot be read' : `a ${type} is left out`}\n`);
    return;
  }
  const named = below(parts.from, path);
  const name = zipName(named);
  if (name !== named.toString()) parts.names.set(name, named.toString('base64'));
  const head = {
    name: Buffer.from(type === 'folder' ? `${name}/` : name),
    mode: typeBits[type] | mode,
    mtime: BigInt(known.mtime),
  };
  if (head.name.length > longestName) {
    leftOut.add(`${shown}: its name is too long for a zip archive\n`);
    return;
  }
  if (type === 'folder') return zip.add({ ...head, size: 0 });
  if (type === 'file')
    return size === 0 ? zip.add({ ...head, size }) : addFile(parts, { path, shown }, { ...head, size });
  const target = Buffer.from(known.target ?? '', 'base64');
  return zip.add({ ...head, size: target.length }, (write) => write(target));
}

/** @throws SendenseError `request.invalid` where it is not in the folder */
function below(from: Buffer, path: Buffer): Buffer {
  if (from.length === 0) return path;
  if (path.subarray(0, from.length).equals(from) && path[from.length] === 0x2f) return path.subarray(from.length + 1);
  throw new SendenseError('request.invalid', `/${shownName(path)} is not in /${shownName(from)}`, {
    details: { field: 'from' },
  });
}

const longestName = 0xffff;

interface FilePath {
  readonly path: Buffer;
  readonly shown: string;
}

/** One that cannot be read is left out; one that breaks off has zeros for the rest, as `tar` does it. Both are said. */
async function addFile(
  { files, volume, zip, signal, leftOut }: Parts,
  { path, shown }: FilePath,
  entry: Parameters<ZipStream['add']>[0],
): Promise<void> {
  let handed = 0;
  const ask = { volume, path: path.toString('base64'), offset: 0, length: entry.size };
  try {
    await zip.add(entry, async (write) => {
      const onBytes = async (bytes: Buffer): Promise<void> => {
        handed += bytes.length;
        await write(bytes);
      };
      try {
        await files.read(ask, { signal, onBytes });
      } catch (error) {
        if (handed === 0 || !isOfFile(error)) throw error;
        leftOut.add(`${shown}: ${error.message}\n`);
      }
      if (handed === entry.size) return;
      leftOut.add(`${shown}: ends after ${handed} of ${entry.size} bytes; zeros stand for the rest\n`);
      await zeros(entry.size - handed, onBytes, signal);
    });
  } catch (error) {
    if (handed > 0 || !isOfFile(error)) throw error;
    leftOut.add(`${shown}: ${error.message}\n`);
  }
}

const isOfFile = (error: unknown): error is SendenseError =>
  error instanceof SendenseError && ['files.damaged', 'files.path', 'files.type'].includes(error.code);

const zeroBytes = 1024 * 1024;

async function zeros(length: number, write: (bytes: Buffer) => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let left = length; left > 0; left -= zeroBytes) {
    signal.throwIfAborted();
    await write(Buffer.alloc(Math.min(left, zeroBytes)));
  }
}

/** Which names were escaped, for who needs the bytes. */
async function addNames({ names, zip }: Parts): Promise<void> {
  if (names.size === 0) return;
  const text = Buffer.from(`${JSON.stringify(Object.fromEntries(names), null, 1)}\n`);
  const entry = { name: Buffer.from(namesEntry), mode: typeBits.file | 0o644, mtime: 0n, size: text.length };
  await zip.add(entry, (write) => write(text));
}
