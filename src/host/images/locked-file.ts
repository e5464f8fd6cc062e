import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { promisify } from 'node:util';
import { openSized } from '../files/regular-file.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ImageKey } from './image-options.ts';

/**
 * Files that are encrypted as a whole, in the form of `openssl enc -aes-256-ctr -pbkdf2`, so that openssl alone reads them:
 * eight bytes of magic, eight random ones, then as many bytes as the content has. Each file has a key and a counter of its own,
 * and any part of it can be read by itself.
 */
export const lockedMagic = 'Salted__';
const magic = Buffer.from(lockedMagic, 'latin1');
const saltBytes = 8;

/** Bytes before the content. */
export const lockedHeadBytes = magic.length + saltBytes;

/** openssl's own number. The passphrase has 256 random bits: more rounds would gain nothing. */
const rounds = 10_000;
const blockBytes = 16;
const derive = promisify(pbkdf2);

interface FileKey {
  readonly key: Buffer;
  readonly counter: Buffer;
}

async function fileKey({ passphrase }: ImageKey, salt: Buffer): Promise<FileKey> {
  const derived = await derive(passphrase, salt, rounds, 48, 'sha256');
  return { key: derived.subarray(0, 32), counter: derived.subarray(32) };
}

/** Encrypts what goes through it. */
export async function lockingStream(key: ImageKey): Promise<Transform> {
  const salt = randomBytes(saltBytes);
  const { key: secret, counter } = await fileKey(key, salt);
  const cipher = createCipheriv('aes-256-ctr', secret, counter);
  let begun = false;
  const head = (): Buffer => {
    if (begun) return Buffer.alloc(0);
    begun = true;
    return Buffer.concat([magic, salt]);
  };
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.concat([head(), cipher.update(chunk)])),
    flush: (done) => done(null, Buffer.concat([head(), cipher.final()])),
  });
}

/** The content of a file, encrypted or not. */
export interface FileContent extends AsyncDisposable {
  readonly encrypted: boolean;
  /** Bytes of the content. */
  readonly size: number;
  /** Fills the buffer from that place of the content on; answers how many bytes there were. */
  read(data: Buffer, position: number): Promise<number>;
}

/** A file that has no more is read at once, and nothing is left open. */
export const smallBytes = 64 * 1024;

/**
 * @param key for a file that is encrypted
 * @param bytes all that the file has, where that is known
 * @throws SendenseError `repository.key` for one without a key; what `open` throws
 */
export async function openContent(path: string, key: ImageKey | null = null, bytes?: Buffer): Promise<FileContent> {
  const stored = bytes ? storedIn(bytes) : await openStored(path);
  try {
    const head = Buffer.alloc(lockedHeadBytes);
    await stored.read(head, 0);
    if (!head.subarray(0, magic.length).equals(magic)) return { encrypted: false, ...stored };
    if (!key) throw new SendenseError('repository.key', `${path} is encrypted, and there is no key for it`);
    return lockedContent(stored, await fileKey(key, head.subarray(magic.length)));
  } catch (error) {
    await stored[Symbol.asyncDispose]();
    throw error;
  }
}

/** As it is stored. */
type Stored = Omit<FileContent, 'encrypted'>;

async function openStored(path: string): Promise<Stored> {
  const { file, size } = await openSized(path);
  const read: Stored['read'] = (data, position) => fill(file, data, position);
  if (size > smallBytes) return { size, read, [Symbol.asyncDispose]: () => file.close() };
  await using _closed = file;
  const bytes = Buffer.alloc(size);
  await read(bytes, 0);
  return storedIn(bytes);
}

const storedIn = (bytes: Buffer): Stored => ({
  size: bytes.length,
  read: async (data, position) => (position < bytes.length ? bytes.copy(data, 0, position) : 0),
  [Symbol.asyncDispose]: async () => undefined,
});

const lockedContent = (file: Stored, secret: FileKey): FileContent => ({
  encrypted: true,
  size: file.size - lockedHeadBytes,
  async read(data, position) {
    const skipped = position % blockBytes;
    const stored = Buffer.alloc(skipped + data.length);
    const count = await file.read(stored, lockedHeadBytes + position - skipped);
    const decipher = createDecipheriv(
      'aes-256-ctr',
      secret.key,
      counterAt(secret.counter, (position - skipped) / blockBytes),
    );
    if (count <= skipped) return 0;
    return decipher.update(stored.subarray(0, count)).copy(data, 0, skipped);
  },
  [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
});

/** The counter of the block of that number: 128 bits that go on from the first one's. */
function counterAt(first: Buffer, block: number): Buffer {
  const value = (BigInt(`0x${first.toString('hex')}`) + BigInt(block)) & ((1n << 128n) - 1n);
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

/** Answers how many bytes there were before the end. */
async function fill(file: FileHandle, data: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < data.length) {
    const { bytesRead } = await file.read(data, done, data.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

const pieceBytes = 1024 * 1024;

/** The content from start to end. The same errors as {@link openContent}. */
export function contentStream(path: string, key: ImageKey | null = null): Readable {
  return Readable.from(pieces(path, key), { objectMode: false });
}

async function* pieces(path: string, key: ImageKey | null): AsyncGenerator<Buffer> {
  await using content = await openContent(path, key);
  for (let position = 0; position < content.size;) {
    const piece = Buffer.alloc(Math.min(pieceBytes, content.size - position));
    const count = await content.read(piece, position);
    if (count === 0) return;
    position += count;
    yield piece.subarray(0, count);
  }
}
