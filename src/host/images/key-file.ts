import { randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';

/** Bytes of a key. */
const keyBytes = 32;

/**
 * Reads a key that this user alone may read. Undefined where there is no file.
 * @throws SendenseError `credential.key` for a file that others can read or own, or that is no key
 */
export function readKeyFile(path: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const why = code === 'ELOOP' ? 'is a symbolic link' : `cannot be read (${code})`;
    throw new SendenseError('credential.key', `the key file ${path} ${why}`, { cause });
  }
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) throw new SendenseError('credential.key', `the key file ${path} is not a plain file`);
    const uid = process.geteuid?.();
    if (uid !== undefined && facts.uid !== uid)
      throw new SendenseError('credential.key', `the key file ${path} belongs to user ${facts.uid}, not to ${uid}`, {
        remedy: `Run as user ${facts.uid}, or give the file to this user: chown ${uid} ${path}`,
      });
    if ((facts.mode & 0o077) !== 0)
      throw new SendenseError(
        'credential.key',
        `the key file ${path} has mode ${(facts.mode & 0o777).toString(8).padStart(4, '0')}: others may have read it`,
        { remedy: `chmod 600 ${path}, and then \`sendense-run credentials rotate --key\` for a new key.` },
      );
    // Not read whole before it is known that it can be a key.
    if (facts.size !== keyBytes) throw wrongLength(`the key file ${path}`, facts.size);
    return asKey(readFileSync(descriptor), `the key file ${path}`);
  } finally {
    closeSync(descriptor);
  }
}

/** @throws SendenseError `credential.key` for anything but 32 bytes */
export function asKey(bytes: Buffer, what: string): Buffer {
  if (bytes.length === keyBytes) return bytes;
  throw wrongLength(what, bytes.length);
}

const wrongLength = (what: string, bytes: number): SendenseError =>
  new SendenseError('credential.key', `${what} has ${bytes} bytes, a key has ${keyBytes}`);

/** Makes a key of random bytes, mode 0600, durable before this returns; fails with EEXIST where the file is there. */
export function makeKeyFile(path: string): void {
  const temporary = writeTemporary(path, randomBytes(keyBytes));
  try {
    // A name appears only with all of its content, so that a crash leaves no half of a key.
    nameNewFile(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(path));
}

/** Puts a new random key in the place of one, of which a copy stays under `kept`; durable before this returns. */
export function replaceKeyFile(path: string, kept: string): void {
  const temporary = writeTemporary(path, randomBytes(keyBytes));
  try {
    nameNewFile(path, kept);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(path));
}

/** Undoes {@link replaceKeyFile}. */
export function restoreKeyFile(path: string, kept: string): void {
  renameSync(kept, path);
  syncFolder(dirname(path));
}

export function removeKeyFile(path: string): void {
  rmSync(path, { force: true });
  syncFolder(dirname(path));
}

function writeTemporary(path: string, data: Uint8Array): string {
  const temporary = join(dirname(path), `.${randomUUID()}.sendense-part`);
  writeExclusive(temporary, data);
  return temporary;
}

function writeExclusive(path: string, data: Uint8Array): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    fchmodSync(descriptor, 0o600);
    writeSync(descriptor, data);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A second name for a file, or a copy where the file system gives no second names; fails with EEXIST. */
function nameNewFile(file: string, path: string): void {
  try {
    linkSync(file, path);
  } catch (error) {
    if (!['EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    if (existsSync(path)) throw Object.assign(new Error(`${path} exists`), { code: 'EEXIST' });
    writeExclusive(path, readFileSync(file));
  }
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
