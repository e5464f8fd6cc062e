import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { readField, readFields, sshString } from './wire-format.ts';

export interface KeyPair {
  /** OpenSSH's own format, without a passphrase; ends with a line feed. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… comment` */
  readonly publicKey: string;
}

const seedBytes = 32;
const minRsaBits = 3072;

/** A new Ed25519 key pair. */
export const makeKeyPair = (comment: string): KeyPair => keyPairFromSeed(randomBytes(seedBytes), comment);

/**
 * The Ed25519 key pair (RFC 8032) of 32 secret bytes; the same bytes give the same keys.
 * @throws RangeError for another number of bytes
 */
export function keyPairFromSeed(seed: Buffer, comment: string): KeyPair {
  if (seed.length !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes, not ${seed.length}`);
  const publicBytes = publicKeyOfSeed(seed);
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(publicBytes)]);
  const label = comment.replaceAll(/[\r\n]/g, ' ');
  return {
    privateKey: opensshPrivateKey(seed, publicBytes, blob, label),
    publicKey: `ssh-ed25519 ${blob.toString('base64')} ${label}`.trimEnd(),
  };
}

/** `SHA256:…` as ssh-keygen prints it, of a key as {@link parsePublicKey} takes it. @throws TypeError for anything else */
export function fingerprintOf(publicKey: string): string {
  const parsed = parsePublicKey(publicKey);
  if (parsed === null) throw new TypeError('not a public key');
  return fingerprintOfBlob(Buffer.from(parsed.split(' ')[1] ?? '', 'base64'));
}

/** The same, of a key as it goes over the wire. */
export const fingerprintOfBlob = (blob: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replaceAll('=', '')}`;

/**
 * `type base64` of a public key in OpenSSH's one-line form, without its comment; null for what is none, or is too weak to
 * be trusted: anything but Ed25519, ECDSA of the three NIST curves, and RSA of at least 3072 bits.
 */
export function parsePublicKey(text: string): string | null {
  const [type = '', base64 = ''] = text.trim().split(/[ \t]+/);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || /[\r\n]/.test(text.trim())) return null;
  const blob = Buffer.from(base64, 'base64');
  const fields = readFields(blob);
  if (blob.toString('base64') !== base64 || fields?.[0]?.toString('latin1') !== type) return null;
  return isStrong(type, fields) ? `${type} ${base64}` : null;
}

/** Names of signature algorithms with which the holder of a key of this type may prove itself; never SHA-1. */
export const signatureAlgorithms = (type: string): string[] =>
  type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];

/** Bytes of an uncompressed point of each curve. */
const curves: Record<string, number> = { nistp256: 65, nistp384: 97, nistp521: 133 };

function isStrong(type: string, fields: readonly Buffer[]): boolean {
  const [, first, second] = fields;
  if (type === 'ssh-ed25519') return fields.length === 2 && first?.length === seedBytes;
  if (type === 'ssh-rsa') return fields.length === 3 && second !== undefined && bitsOf(second) >= minRsaBits;
  const curve = /^ecdsa-sha2-(nistp[0-9]+)$/.exec(type)?.[1];
  return (
    curve !== undefined &&
    fields.length === 3 &&
    first?.toString('latin1') === curve &&
    second?.length === curves[curve]
  );
}

function bitsOf(integer: Buffer): number {
  const start = integer.findIndex((byte) => byte !== 0);
  return start < 0 ? 0 : (integer.length - start) * 8 - Math.clz32(integer[start] ?? 0) + 24;
}

/** RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

function publicKeyOfSeed(seed: Buffer): Buffer {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
}

/** OpenSSH, PROTOCOL.key: one key, no cipher, padded with 1, 2, 3… to 8 bytes. */
function opensshPrivateKey(seed: Buffer, publicBytes: Buffer, blob: Buffer, comment: string): string {
  const check = createHash('sha256').update(seed).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, blob, sshString(Buffer.concat([seed, publicBytes])), sshString(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    Buffer.from([0, 0, 0, 1]),
    sshString(blob),
    sshString(Buffer.concat([secret, padding])),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** The type of a key as it goes over the wire: its first field. */
export const typeOfBlob = (blob: Buffer): string => readField(blob, 0)?.toString('latin1') ?? '';
