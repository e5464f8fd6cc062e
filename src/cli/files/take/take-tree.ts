import { closeSync, constants, lstatSync, mkdirSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { PinnedFolder } from '../../../host/files/pinned-folder.ts';
import { cutOff } from '../found.ts';
import { leftOutIn, type FilePlace, type FilesClient } from '../files-client.ts';
import { join } from './part.ts';
import { unpack } from './unpack.ts';

interface Taken {
  /** Where it is now, in the part folder. */
  readonly made: Buffer;
  readonly leftOut: readonly string[];
}

/**
 * Takes a folder, or anything but a plain file, out into a part folder.
 * @param place its path is free of links
 * @param onBytes hears what goes by
 * @throws SendenseError `disk.full`, `files.reader`
 */
export async function takeTree(
  client: FilesClient,
  place: FilePlace,
  part: PinnedFolder,
  options: { readonly signal: AbortSignal; onBytes(bytes: number): void },
): Promise<Taken> {
  const tree = `${part.path}/tree`;
  mkdirSync(tree, { mode: 0o700 });
  const folder = openSync(tree, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const answer = await client.archive([place], options.signal);
    const unpacked = await unpack(counted(answer, options.onBytes), folder, options.signal).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? cutOff(error) : error;
    });
    const made = memberIn(tree, Buffer.from(place.path, 'base64url'));
    return { made, leftOut: [...leftOutIn(answer), ...unpacked] };
  } finally {
    closeSync(folder);
  }
}

function counted(stream: Readable, onBytes: (bytes: number) => void): Readable {
  stream.on('data', (piece: Buffer) => onBytes(piece.length)).pause();
  return stream;
}

/** What lies at a path below a folder; a link on the way to it is none of an archive that holds what was asked for. */
export function memberIn(tree: string, path: Buffer): Buffer {
  let at: Buffer = Buffer.from(tree);
  const parts = path
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '');
  for (const [index, part] of parts.entries()) {
    at = join(at, Buffer.from(part, 'latin1'));
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (!stats || (index < parts.length - 1 && !stats.isDirectory()))
      throw new SendenseError('files.reader', 'the archive does not hold what was asked for');
  }
  return at;
}
