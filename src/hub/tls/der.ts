/** DER (ITU-T X.690): what a certificate is written in. Each function makes one value, with its tag and length. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  const digits = Buffer.from(bytes.toString(16).padStart(bytes > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
}

/** @param content less than 64 KiB */
const value = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);

export const sequence = (...parts: readonly Uint8Array[]): Buffer => value(tags.sequence, Buffer.concat(parts));
export const set = (...parts: readonly Uint8Array[]): Buffer => value(tags.set, Buffer.concat(parts));
export const octets = (content: Uint8Array): Buffer => value(tags.octets, content);
export const utf8 = (text: string): Buffer => value(tags.utf8, Buffer.from(text));
export const yes = value(tags.boolean, Buffer.from([0xff]));

/** @param unused how many of the last byte's bits do not count */
export const bits = (content: Uint8Array, unused = 0): Buffer =>
  value(tags.bits, Buffer.concat([Buffer.from([unused]), content]));

/** A number that is not negative, its highest byte first. */
export const integer = (bytes: Uint8Array): Buffer =>
  value(tags.integer, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);

/** `[n]` around a value that says what it is. */
export const explicit = (n: number, content: Uint8Array): Buffer => value(0xa0 | n, content);
/** `[n]` in place of a value's own tag. */
export const implicit = (n: number, content: Uint8Array): Buffer => value(0x80 | n, content);

/** `2.5.29.17` */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return value(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(number: number): number[] {
  const digits = [number & 0x7f];
  for (let left = number >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f));
  return digits;
}

/** To the second. */
export const time = (ms: number): Buffer =>
  value(tags.generalizedTime, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`));
