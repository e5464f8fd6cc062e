import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Of a text file that is read whole: more than any has that Sendense writes. */
const mostBytes = 64 * 1024 * 1024;

/**
 * Opens a file of a repository to read it. Somebody else may have put it there, so it is taken only if it is a regular file: a symbolic
 * link is not followed, and nobody waits for a pipe.
 * @throws NodeJS.ErrnoException with a message that names the file
 */
export const openRegular = async (path: string): Promise<FileHandle> => (await openSized(path)).file;

/** As {@link openRegular}, with the size that it has now. */
export async function openSized(path: string): Promise<{ readonly file: FileHandle; readonly size: number }> {
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    throw plainer(path, error);
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw notRegular(path, info.isDirectory());
    return { file, size: info.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** As {@link openRegular}, and reads all of it. @throws NodeJS.ErrnoException `EFBIG` for one of more bytes */
export async function readRegular(path: string, most = mostBytes): Promise<Buffer> {
  const { file, size } = await openSized(path);
  await using handle = file;
  if (size > most) throw tooLarge(path, most);
  return (await readWhole(handle, size)) ?? (await handle.readFile());
}

/** As {@link readRegular}; null: it has more than so many bytes. */
export async function readSmall(path: string, most: number): Promise<Buffer | null> {
  const { file, size } = await openSized(path);
  await using handle = file;
  return size > most ? null : await readWhole(handle, size);
}

/** In one go; null: it has not as many bytes as it had. */
async function readWhole(file: FileHandle, size: number): Promise<Buffer | null> {
  const buffer = Buffer.allocUnsafe(size + 1);
  const { bytesRead } = await file.read(buffer, 0, size + 1, 0);
  return bytesRead === size ? buffer.subarray(0, size) : null;
}

/** {@link readRegular} within one turn of the event loop. */
export function readRegularNow(path: string, most = mostBytes): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (error) {
    throw plainer(path, error as NodeJS.ErrnoException);
  }
  try {
    const info = fstatSync(descriptor);
    if (!info.isFile()) throw notRegular(path, info.isDirectory());
    if (info.size > most) throw tooLarge(path, most);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const faulty = (path: string, code: string, what: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${path} ${what}`), { code });

const notRegular = (path: string, folder = false): NodeJS.ErrnoException =>
  folder
    ? Object.assign(new Error(`EISDIR: ${path} is a folder`), { code: 'EISDIR' })
    : faulty(path, 'EINVAL', 'is not a regular file');

const tooLarge = (path: string, most: number): NodeJS.ErrnoException =>
  faulty(path, 'EFBIG', `has more than ${most} bytes, which no file of its kind has`);

/** A link is told from links that never end by the flag that was given; a socket cannot be opened at all. */
const plainer = (path: string, error: NodeJS.ErrnoException): NodeJS.ErrnoException =>
  error.code === 'ELOOP'
    ? faulty(path, 'ELOOP', 'is a symbolic link, which is not followed')
    : error.code === 'ENXIO'
      ? notRegular(path)
      : error;
