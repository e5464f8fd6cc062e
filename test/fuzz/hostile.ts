import fc from 'fast-check';

/** Numbers as they stand in a text, at every edge that a program may have. */
export const numberTexts: readonly string[] = [
  '0',
  '-0',
  '-1',
  '1',
  '0.5',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
  '-9223372036854775808',
  '1e21',
  '1e308',
  '1e309',
  '-1e309',
  '1e-400',
  '1E5',
  '00',
  '0x10',
  '1_000',
  'NaN',
  'Infinity',
  '-Infinity',
  '9'.repeat(400),
];

export const bigEdges: readonly bigint[] = [
  0n,
  1n,
  7n,
  8n,
  63n,
  64n,
  72n,
  103n,
  104n,
  511n,
  512n,
  4095n,
  4096n,
  65535n,
  65536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  0x00ff_ffff_ffff_fe00n,
];

/** Words that mean something to JavaScript where an object is asked for them. */
export const prototypeWords: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  'toJSON',
  'then',
  'length',
];

export const strayPaths: readonly string[] = [
  '..',
  '.',
  '../..',
  '../../../../etc/passwd',
  '/etc/passwd',
  '/',
  '//',
  '~/x',
  './a',
  'a/../../b',
  'disk-0/../../x',
  '..\\..\\x',
  'a/',
  '/a',
  'file:///etc/passwd',
  'json:{}',
  'nbd://127.0.0.1:1/',
  '-',
  '--help',
  '-o',
  '.sendense',
  '.sendense/locks',
  'lost+found',
  'C:\\x',
  'CON',
  'a\0b',
  '../x\0.qcow2',
  '%2e%2e%2f',
  '‥',
  'a\u2215b',
  '...',
  ' ',
  '\t',
  '*',
  '?',
  '$HOME',
  '$(id)',
  '`id`',
  ';',
  '|',
  "'",
  '"',
  'a,b',
  'a:b',
];

const oddCharacters: readonly string[] = [
  '\0',
  '\n',
  '\r\n',
  '\u001b[2J',
  '\u202e',
  '\u2066',
  '\ufeff',
  '\ud800',
  '\udfff',
  '\uffff',
  '😀',
  'é',
  '\u0130',
  'ß',
  '\u0085',
  '\u2028',
  '\x7f',
  '\\',
  '${{ plan.name }}',
  '${{',
  '{{',
  '%s',
  '<',
  '&amp;',
];

/** Long ones are rare: each costs as much as a hundred others. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 300, arbitrary: fc.constantFrom('', ...strayPaths, ...prototypeWords, ...oddCharacters, ...numberTexts) },
  { weight: 150, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 100,
    arbitrary: fc
      .tuple(fc.constantFrom(...strayPaths, ...oddCharacters), fc.string({ maxLength: 20 }))
      .map((two) => two.join('')),
  },
  {
    weight: 50,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', '9', '/', '../', '\n', ' ', 'é', '-', '.', ':'),
        fc.constantFrom(64, 255, 256, 1024, 5000),
      )
      .map(([unit, times]) => unit.repeat(times)),
  },
  { weight: 1, arbitrary: fc.constantFrom('a', '../', '\n', '\0').map((unit) => unit.repeat(2 ** 20 / unit.length)) },
);

/** One change of a sequence of bytes; `at` is a part of its length. */
type ByteChange = (bytes: Buffer) => Buffer;

/** At least 0, below 1, every place as likely as any other; fc.double() gives each order of magnitude as often. */
export const part: fc.Arbitrary<number> = fc.noBias(fc.nat(2 ** 24 - 1)).map((number) => number / 2 ** 24);
const placeIn = (bytes: Buffer, at: number): number => Math.min(Math.floor(at * (bytes.length + 1)), bytes.length);

const splice = (bytes: Buffer, from: number, to: number, put: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(Math.max(from, to))]);

const overwrite = (bytes: Buffer, from: number, put: Uint8Array): Buffer => {
  const changed = Buffer.from(bytes);
  changed.set(put.subarray(0, Math.max(0, changed.length - from)), from);
  return changed;
};

/** Big or little end first, as many bytes as there are. */
export function integerBytes(value: bigint, width: number, big: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  if (big) bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  else bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return big ? bytes.subarray(8 - width) : bytes.subarray(0, width);
}

const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
  fc.tuple(part, fc.integer({ min: 1, max: 255 })).map(([at, flip]): ByteChange => (bytes) => {
    if (bytes.length === 0) return bytes;
    const place = Math.min(placeIn(bytes, at), bytes.length - 1);
    return overwrite(bytes, place, Buffer.from([(bytes[place] ?? 0) ^ flip]));
  }),
  part.map(
    (at): ByteChange =>
      (bytes) =>
        bytes.subarray(0, placeIn(bytes, at)),
  ),
  fc.tuple(part, fc.uint8Array({ maxLength: 40 })).map(
    ([at, put]): ByteChange =>
      (bytes) =>
        splice(bytes, placeIn(bytes, at), placeIn(bytes, at), put),
  ),
  fc.tuple(part, fc.nat(200)).map(
    ([at, length]): ByteChange =>
      (bytes) =>
        splice(bytes, placeIn(bytes, at), placeIn(bytes, at) + length, Buffer.alloc(0)),
  ),
  fc.tuple(part, fc.constantFrom(...bigEdges), fc.constantFrom(1, 2, 4, 8), fc.boolean()).map(
    ([at, value, width, big]): ByteChange =>
      (bytes) =>
        overwrite(bytes, placeIn(bytes, at), integerBytes(value, width, big)),
  ),
  fc.tuple(part, fc.nat(300), fc.integer({ min: 1, max: 20 })).map(([at, length, times]): ByteChange => (bytes) => {
    const from = placeIn(bytes, at);
    const piece = bytes.subarray(from, from + length);
    return splice(bytes, from, from, Buffer.concat(Array<Uint8Array>(times).fill(piece)));
  }),
  fc.constantFrom<ByteChange>(
    (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
    (bytes) => Buffer.concat([bytes, Buffer.from([0xff, 0xfe, 0xc0, 0x80])]),
    (bytes) => Buffer.concat([bytes, bytes]),
    (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le'),
  ),
);

/** Starts from what is sound, does some things to it, seldom none. */
export const changedBytes = (sound: fc.Arbitrary<Buffer>, most = 4): fc.Arbitrary<Buffer> =>
  fc
    .tuple(sound, fc.array(byteChange, { maxLength: most, size: 'max' }))
    .map(([bytes, changes]) => changes.reduce((now, change) => change(now), bytes));

/** Sound ones that were changed, and some that never were anything. */
export const hostileBytes = (sound: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { weight: 12, arbitrary: changedBytes(sound) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300, size: 'max' }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: hostileText.map((text) => Buffer.from(text)) },
  );
