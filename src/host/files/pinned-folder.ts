import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, rmSync } from 'node:fs';
import { mkdir, open, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';

/** A folder that is held by a descriptor: others may rename it or put a link in its place, and `path` still leads to this very folder. */
export interface PinnedFolder extends AsyncDisposable {
  /** For this process, and as the working directory of programs that it starts. `${path}/..` is the folder around it. */
  readonly path: string;
}

const flags = constants.O_RDONLY | constants.O_DIRECTORY;

/** Links on the way are followed. @throws NodeJS.ErrnoException */
export const pinFolder = (path: string): Promise<PinnedFolder> => pin(path, flags);

/**
 * Makes a folder and pins it. Nobody but this user can make, replace or read a name in it, also where the folder around it belongs to
 * somebody else.
 * @param shown what messages call it
 * @throws SendenseError `file.exists` where the name is taken, also by what was put there a moment after
 */
export async function makePrivateFolder(path: string, shown = path): Promise<PinnedFolder> {
  await mkdir(path, { mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST' ? new SendenseError('file.exists', `${shown} exists already`, { cause }) : cause;
  });
  const pinned = await openPrivateFolder(path);
  if (pinned) return pinned;
  await rmdir(path).catch(() => undefined);
  throw new SendenseError(
    'file.exists',
    `others can write to ${shown}, although Sendense made it for this user alone`,
    {
      remedy:
        'Choose a folder that only you can write to. If the file system stores no modes (FAT, NTFS, CIFS), mount it with umask=077 or dir_mode=0700, so that only you can write to it.',
    },
  );
}

/** Pins a folder that {@link makePrivateFolder} has made; null: what has the name now, if anything, is not one of this user alone. */
export async function openPrivateFolder(path: string): Promise<PinnedFolder | null> {
  const pinned = await pin(path, flags | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(error.code ?? '')) return null;
    throw error;
  });
  if (pinned === null || pinned.isPrivate()) return pinned;
  await pinned[Symbol.asyncDispose]();
  return null;
}

async function pin(path: string, how: number): Promise<PinnedFolder & { isPrivate(): boolean }> {
  const handle = await open(path, how);
  const held = `/proc/self/fd/${handle.fd}`;
  return {
    path: held,
    isPrivate: () => {
      const { uid, mode } = fstatSync(handle.fd);
      return (mode & 0o022) === 0 && (uid === process.geteuid?.() || uid === writerIn(held));
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/**
 * The user to whom a file belongs that this process makes in a folder: this user, but on some file systems another one (NFS with
 * root_squash, CIFS). Null where nothing can be made there.
 */
export function writerIn(folder: string): number | null {
  const file = join(folder, `.${randomUUID()}.sendense-part`);
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    try {
      return fstatSync(descriptor).uid;
    } finally {
      closeSync(descriptor);
      rmSync(file, { force: true });
    }
  } catch {
    return null;
  }
}
