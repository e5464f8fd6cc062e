import { closeSync, constants, openSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';

const flags = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * Does something with a file below a folder by a path that stays what it is while it is done: each folder on the way is held open, and
 * none of them is a link. Links above `root` are followed.
 * @throws SendenseError `plan.file` where a folder is not there, or is a link
 */
export function inFolderOf<T>(root: string, parts: readonly string[], act: (path: string) => T): T {
  const held: number[] = [];
  try {
    let at = openFolder(root, root, flags);
    held.push(at);
    for (const part of parts.slice(0, -1)) {
      at = openFolder(
        `/proc/self/fd/${at}/${part}`,
        `${root}/${parts.slice(0, -1).join('/')}`,
        flags | constants.O_NOFOLLOW,
      );
      held.push(at);
    }
    return act(`/proc/self/fd/${at}/${parts.at(-1)}`);
  } finally {
    for (const descriptor of held) closeSync(descriptor);
  }
}

function openFolder(path: string, shown: string, how: number): number {
  try {
    return openSync(path, how);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'is not there'
        : code === 'ENOTDIR' || code === 'ELOOP'
          ? 'is no folder, or a link to one, which is not followed'
          : `cannot be opened (${code})`;
    throw new SendenseError('plan.file', `the folder ${shown} ${why}`, { cause, details: { field: 'file' } });
  }
}
