import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { sharedMode } from './private-files.ts';
import { withPath } from './with-path.ts';

/** Flushes a file's data and metadata to disk. */
export async function fsyncFile(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/**
 * Removes a folder and all in it; one that is not there is fine. Somebody who still writes into it (a lease that is renewed
 * at this moment, a process that is just ending) does not stop it: what came meanwhile goes too.
 */
export const removeTree = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 30, retryDelay: 20 });

/** Makes names in a folder durable. */
export async function fsyncFolder(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    await handle.sync();
  } finally {
    await handle?.close();
  }
}

/**
 * Makes a new file, its data flushed to disk; its name is not (see {@link fsyncFolder}). Fails where there is one.
 * @param mode of one that others shall read: as far as the caller's umask lets them
 */
export async function writeNewFile(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  await using handle = await open(path, 'wx', mode);
  try {
    if ((mode & 0o077) !== 0) await handle.chmod(sharedMode(mode));
    await handle.writeFile(data);
    await handle.sync();
  } catch (error) {
    throw withPath(error, path);
  }
}

/** Writes a whole file so that after a crash either the old or the new content is there, never a part. */
export async function writeFileDurably(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.sendense-part`);
  try {
    await writeNewFile(temporary, data, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await fsyncFolder(dirname(path));
}

/**
 * Gives a file its final name; fails where that exists, also when two programs try at once (link is atomic, rename is not).
 * @throws SendenseError `file.exists`
 */
export async function publishFile(temporary: string, path: string): Promise<void> {
  await nameFile(temporary, path);
  await rm(temporary, { force: true });
}

/**
 * As {@link publishFile}, but the temporary name stays where the file system can give a file two; again is fine.
 * @param shown what messages call `path`
 */
export async function nameFile(temporary: string, path: string, shown = path): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      if (await sameFile(temporary, path)) return;
      throw new SendenseError('file.exists', `${shown} exists already`, { cause: error });
    }
    if (!['EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // A file system without hard links: the check is not atomic there, which is the best that can be had.
    if (await exists(path)) throw new SendenseError('file.exists', `${shown} exists already`, { cause: error });
    await rename(temporary, path);
  }
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([lstat(a, { bigint: true }), lstat(b, { bigint: true })]);
  return one.dev === other.dev && one.ino === other.ino;
}

/** Whether anything has the name, be it a link that leads nowhere. */
export const isNamed = (path: string): Promise<boolean> => seen(path, lstat);

export async function exists(path: string): Promise<boolean> {
  return seen(path, stat);
}

async function seen(path: string, look: (path: string) => Promise<unknown>): Promise<boolean> {
  try {
    await look(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Bytes that this user can still write in the file system that holds `path`. */
export const freeBytes = async (path: string): Promise<number> => (await spaceOf(path)).free;

/** Bytes of the file system that holds `path`: what this user can still write, and all that users have. */
export async function spaceOf(path: string): Promise<{ free: number; total: number }> {
  const { bavail, bfree, blocks, bsize } = await statfs(path);
  return { free: bavail * bsize, total: (blocks - bfree + bavail) * bsize };
}
