import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';

/** Bytes of a secret, a token, a key or the certificates of all authorities there are: more than any has. */
const mostBytes = 4 * 1024 * 1024;
const pieceBytes = 64 * 1024;

/** What the caller has open already, such as `<(pass show vcenter)` of a shell or `/dev/stdin`: whoever named it wants it waited for. */
const inherited = /^\/(?:dev\/stdin|(?:dev|proc\/self)\/fd\/[0-9]+)$/;

/**
 * Reads a small file that settings or a plan name, such as a secret. Links are followed, but only a regular file is taken: nobody waits
 * for a pipe, and a device without an end fills no memory. What this process has open already is taken, whatever it is.
 * @throws NodeJS.ErrnoException with a code and a message that names the file
 */
export async function readNamedFile(path: string, most = mostBytes): Promise<Buffer> {
  await using handle = await open(path, flagsFor(path));
  assertRegular(path, await handle.stat(), most);
  const pieces: Buffer[] = [];
  for (let length = 0; ;) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, null);
    if (bytesRead === 0) return Buffer.concat(pieces, length);
    length += bytesRead;
    if (length > most) throw tooLarge(path, most);
    pieces.push(buffer.subarray(0, bytesRead));
  }
}

/** {@link readNamedFile} within one turn of the event loop. */
export function readNamedFileNow(path: string, most = mostBytes): Buffer {
  const descriptor = openSync(path, flagsFor(path));
  try {
    assertRegular(path, fstatSync(descriptor), most);
    const pieces: Buffer[] = [];
    for (let length = 0; ;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const count = readSync(descriptor, piece, 0, pieceBytes, null);
      if (count === 0) return Buffer.concat(pieces, length);
      length += count;
      if (length > most) throw tooLarge(path, most);
      pieces.push(piece.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}

const flagsFor = (path: string): number =>
  inherited.test(path) ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK;

function assertRegular(path: string, info: Stats, most: number): void {
  if (info.isDirectory()) throw faulty(path, 'EISDIR', 'is a folder');
  if (!info.isFile() && !inherited.test(path)) throw faulty(path, 'EINVAL', 'is not a regular file');
  if (info.size > most) throw tooLarge(path, most);
}

const tooLarge = (path: string, most: number): NodeJS.ErrnoException =>
  faulty(path, 'EFBIG', `has more than ${most} bytes, which no file of its kind has`);

const faulty = (path: string, code: string, what: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: ${path} ${what}`), { code });
