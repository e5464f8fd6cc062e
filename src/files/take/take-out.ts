import { readdirSync } from 'node:fs';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { PinnedFolder } from '../../host/files/pinned-folder.ts';
import type { FilesStatOutput } from '../../schemas/types.ts';
import type { FilePlace, FilesClient } from '../client/files-client.ts';
import { beginPart, partName, removeTree } from './part.ts';
import { assertFree, putInPlace } from './put-in-place.ts';
import { takeFile } from './take-file.ts';
import { takeTree } from './take-tree.ts';

/** Something that is taken out of a restore point. */
export interface Wanted {
  /** Without links on the way. */
  readonly place: FilePlace;
  readonly stat: FilesStatOutput;
  /** The name that it gets. */
  readonly name: Buffer;
  /** For messages: where it will be. */
  readonly shown: string;
}

export interface TakeOptions {
  /** Id of the restore point. */
  readonly point: string;
  readonly overwrite: boolean;
  /** Goes on with a file that was cut off. */
  readonly resume: boolean;
  readonly signal: AbortSignal;
  onBytes(bytes: number): void;
  onResume(bytes: number): void;
}

/** @throws SendenseError `file.exists` where one of them has no place in the folder */
export function assertAllFree(target: PinnedFolder, wanted: readonly Wanted[], overwrite: boolean): void {
  for (const { name, stat, shown } of wanted)
    assertFree(target.path, name, stat.entry.type === 'folder', overwrite, shown);
}

/**
 * Takes one file or folder out into a folder: made in a private folder first, its name given at the end.
 * @returns what could not be taken, or not with all that it had
 * @throws SendenseError `disk.full`, `file.exists`, `files.reader`
 */
export async function takeOut(
  client: FilesClient,
  { place, stat, name, shown }: Wanted,
  target: PinnedFolder,
  options: TakeOptions,
): Promise<readonly string[]> {
  const own = partName([options.point, place.volume, place.path]);
  const path = Buffer.from(`${target.path}/${own}`);
  const plain = isPlain(stat);
  const part = await beginPart(target, own, plain && options.resume);
  let keep = false;
  try {
    const { made, leftOut } = plain
      ? await takeFile(client, place, stat, part, options)
      : await takeTree(client, place, part, options);
    putInPlace({ from: made, folder: target.path, name, shown }, options.overwrite);
    return leftOut;
  } catch (error) {
    const told = toSendenseError(error);
    keep = plain && told.code !== 'disk.full' && told.code !== 'file.exists' && readdirSync(part.path).includes('etag');
    throw keep ? resumable(told) : told;
  } finally {
    await part[Symbol.asyncDispose]();
    if (!keep) removeTree(path);
  }
}

/** Its content comes by itself, and can be gone on with. What has holes comes as an archive, which keeps them. */
const isPlain = ({ entry }: FilesStatOutput): boolean => entry.type === 'file' && entry.allocated >= entry.size;

const resumable = (error: SendenseError): SendenseError =>
  new SendenseError(error.code, error.message, {
    cause: error,
    details: error.details,
    remedy: 'Run the same command with --resume: it goes on with what is there already.',
  });
