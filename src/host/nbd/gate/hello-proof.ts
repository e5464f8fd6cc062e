import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const helloType = 1;
const pskExtension = 41;
const hashBytes = 32;
/** Whoever means it shows one. */
const mostBinders = 4;

/**
 * Whether who wrote this ClientHello has the key: TLS 1.3 wants a proof in the very first message, the binder of the key
 * (RFC 8446, 4.2.11.2). Keys from outside go with SHA-256.
 * @param hello the whole handshake message
 */
export function provesKey(hello: Buffer, psk: Buffer): boolean {
  try {
    const offered = offeredIn(hello);
    if (offered === null) return false;
    const expected = binderOf(hello.subarray(0, offered.bindersAt), psk);
    return offered.binders.some((binder) => binder.length === hashBytes && timingSafeEqual(binder, expected));
  } catch (error) {
    // It says that it is longer than it is.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function binderOf(upToBinders: Buffer, psk: Buffer): Buffer {
  const early = createHmac('sha256', Buffer.alloc(hashBytes)).update(psk).digest();
  const binderKey = expandLabel(early, 'ext binder', sha256(Buffer.alloc(0)));
  return createHmac('sha256', expandLabel(binderKey, 'finished', Buffer.alloc(0)))
    .update(sha256(upToBinders))
    .digest();
}

const sha256 = (data: Buffer): Buffer => createHash('sha256').update(data).digest();

/** HKDF-Expand-Label, RFC 8446, 7.1; one block of output is enough for 32 bytes. */
function expandLabel(secret: Buffer, label: string, context: Buffer): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([
    Buffer.from([0, hashBytes, name.length]),
    name,
    Buffer.from([context.length]),
    context,
    Buffer.from([1]),
  ]);
  return createHmac('sha256', secret).update(info).digest();
}

/** The binders, and where their list begins; null where none are there. */
function offeredIn(hello: Buffer): { readonly binders: Buffer[]; readonly bindersAt: number } | null {
  const reader = readerOf(hello);
  if (reader.number(1) !== helloType || reader.number(3) !== hello.length - 4) return null;
  // Version and random; session, cipher suites, compression.
  reader.skip(2 + 32);
  for (const width of [1, 2, 1]) reader.skip(reader.number(width));
  if (reader.number(2) !== hello.length - reader.at()) return null;
  while (reader.at() < hello.length) {
    const type = reader.number(2);
    const length = reader.number(2);
    if (type !== pskExtension) {
      reader.skip(length);
      continue;
    }
    // It has to be the last one.
    if (reader.at() + length !== hello.length) return null;
    reader.skip(reader.number(2));
    const bindersAt = reader.at();
    if (reader.number(2) !== hello.length - reader.at()) return null;
    const binders: Buffer[] = [];
    while (reader.at() < hello.length && binders.length < mostBinders) binders.push(reader.bytes(reader.number(1)));
    return { binders, bindersAt };
  }
  return null;
}

function readerOf(data: Buffer) {
  let at = 0;
  const bytes = (length: number): Buffer => {
    if (at + length > data.length) throw new RangeError('too short');
    at += length;
    return data.subarray(at - length, at);
  };
  return {
    at: () => at,
    bytes,
    skip: (length: number): void => void bytes(length),
    number: (width: number): number => bytes(width).readUIntBE(0, width),
  };
}
