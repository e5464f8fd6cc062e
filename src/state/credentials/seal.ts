import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';

/** What a sealed value is bound to: anywhere else it does not open. */
export interface SealedPlace {
  /** What it is: a value of one kind does not open as another. */
  readonly kind: 'sendense-credential' | 'sendense-node-token';
  /** Of the state database. */
  readonly database: string;
  /** Of the row. */
  readonly id: string;
  readonly name: string;
}

/** First byte of what is sealed. */
const formatVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;

/** First 16 hex digits of the key's SHA-256: tells keys apart without telling anything of them. */
export const keyIdOf = (key: Uint8Array): string => hash('sha256', key, 'hex').slice(0, 16);

/** AES-256-GCM: format version (1 byte), nonce (12, random for each sealing), tag (16), encrypted JSON. */
export function sealJson(key: Uint8Array, place: SealedPlace, value: unknown): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(boundTo(place));
  const plain = Buffer.from(JSON.stringify(value));
  try {
    const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.of(formatVersion), nonce, cipher.getAuthTag(), encrypted]);
  } finally {
    plain.fill(0);
  }
}

/** Null where the key is another one, or the text was sealed for another place or changed since. */
export function unsealJson(key: Uint8Array, place: SealedPlace, sealed: Uint8Array): unknown {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < 1 + nonceBytes + tagBytes || bytes[0] !== formatVersion) return null;
  const tagAt = 1 + nonceBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, tagAt), { authTagLength: tagBytes })
    .setAAD(boundTo(place))
    .setAuthTag(bytes.subarray(tagAt, tagAt + tagBytes));
  let plain: Buffer | undefined;
  try {
    plain = decipher.update(bytes.subarray(tagAt + tagBytes));
    decipher.final(); // GCM: nothing but the check of the tag
    return JSON.parse(plain.toString('utf8')) as unknown;
  } catch {
    return null;
  } finally {
    plain?.fill(0);
  }
}

/** JSON, so that no two places give the same bytes. */
const boundTo = ({ kind, database, id, name }: SealedPlace): Buffer =>
  Buffer.from(JSON.stringify([kind, formatVersion, database, id, name]));
