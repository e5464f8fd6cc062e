import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { FileSelection, FilesClient } from '../client/files-client.ts';
import { cutOff } from '../client/cut-off.ts';
import { unpack } from './unpack.ts';

export interface TakeTreeOptions {
  readonly signal: AbortSignal;
  /** Hears what goes by. */
  onBytes(bytes: number): void;
}

/**
 * Takes files and folders of one volume out into a folder of this process alone, by their whole paths.
 * @returns what could not be taken, or not with all that it had
 * @throws SendenseError `disk.full`, `files.reader`
 */
export async function takeSelection(
  client: FilesClient,
  selection: FileSelection,
  tree: string,
  { signal, onBytes }: TakeTreeOptions,
): Promise<string[]> {
  const folder = openSync(tree, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { stream, giveBack, leftOut } = await client.archive(selection, signal);
    const unpacked = await unpack(counted(stream, onBytes), folder, signal, giveBack).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? cutOff(error) : error;
    });
    return toldOnce([...leftOut(), ...unpacked].filter(isLoss));
  } finally {
    closeSync(folder);
  }
}

function counted(stream: Readable, onBytes: (bytes: number) => void): Readable {
  stream.on('data', (piece: Buffer) => onBytes(piece.length)).pause();
  return stream;
}

/** In a deep folder everything below a place has a path that is too long: one line says so, and what to do. */
function toldOnce(lines: readonly string[]): string[] {
  const [first, ...others] = lines.filter((line) => tooLong.test(line));
  if (first === undefined) return [...lines];
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  return [
    ...lines.filter((line) => !tooLong.test(line)),
    `${first}${more}: a path has at most 4095 bytes there; take the folder that it is in out by itself`,
  ];
}

const tooLong = /: File name too long$/;

/** What `tar` only remarks is no loss. */
export const isLoss = (line: string): boolean =>
  !/acl_from_text|Removing leading|time stamp|file changed as we read it/.test(line);
