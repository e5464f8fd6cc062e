import { lstatSync, mkdirSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { PinnedFolder } from '../../host/files/pinned-folder.ts';
import type { FilePlace, FilesClient } from '../client/files-client.ts';
import { join } from './part.ts';
import { takeSelection, type TakeTreeOptions } from './take-selection.ts';

interface Taken {
  /** Where it is now, in the part folder. */
  readonly made: Buffer;
  readonly leftOut: readonly string[];
}

/**
 * Takes a folder, or anything but a plain file, out into a part folder.
 * @param place its path is free of links
 * @throws SendenseError `disk.full`, `files.reader`
 */
export async function takeTree(
  client: FilesClient,
  place: FilePlace,
  part: PinnedFolder,
  options: TakeTreeOptions,
): Promise<Taken> {
  const tree = `${part.path}/tree`;
  mkdirSync(tree, { mode: 0o700 });
  const { session, volume, path } = place;
  const whole = Buffer.from(path, 'base64url');
  const cut = whole.lastIndexOf('/');
  // Names begin below the folder that it is in: they are no longer than they have to be.
  const from = whole.subarray(0, Math.max(cut, 0)).toString('base64url');
  const leftOut = await takeSelection(client, { session, volume, paths: [path], from }, tree, options);
  return { made: memberIn(tree, whole.subarray(cut + 1)), leftOut };
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
