/** The records of a zip file, with zip64 and Unix modes. Source: PKWARE, APPNOTE.TXT 6.3.10, and Info-ZIP's extra field `UT`. */

const most32 = 0xffff_ffff;
const most16 = 0xffff;
/** Made by Unix. */
const madeBy = (3 << 8) | 45;
const dosFolder = 0x10;
/** Sizes and digest come after the content; the name is UTF-8. */
const flags = 0x0808;

/** What is known of an entry before its content. */
export interface ZipEntry {
  /** UTF-8, with a slash at the end of a folder's. */
  readonly name: Buffer;
  /** Type and permissions, as stat(2) has them. */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  /** Bytes of its content. */
  readonly size: number;
}

/** What is known of it afterwards. */
export interface ZipContent {
  readonly crc: number;
  readonly packed: number;
  readonly bytes: number;
  /** Where its head is in the archive. */
  readonly offset: number;
}

const deflated = 8;
const stored = 0;
const methodOf = ({ size }: ZipEntry): number => (size > 0 ? deflated : stored);

/** Whether its sizes have 8 bytes; packed it may be a little larger. */
const isLarge = ({ size }: ZipEntry): boolean => size > most32 - 2 ** 26;

export function localHeader(entry: ZipEntry): Buffer {
  const large = isLarge(entry);
  const extra = Buffer.concat([timeExtra(entry.mtime), large ? zip64Extra([0, 0]) : Buffer.alloc(0)]);
  const head = Buffer.alloc(30);
  const [date, time] = dosTime(entry.mtime);
  const size = large ? most32 : 0;
  head.writeUInt32LE(0x0403_4b50, 0);
  head.writeUInt16LE(large ? 45 : 20, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt16LE(methodOf(entry), 8);
  head.writeUInt16LE(time, 10);
  head.writeUInt16LE(date, 12);
  head.writeUInt32LE(size, 18);
  head.writeUInt32LE(size, 22);
  head.writeUInt16LE(entry.name.length, 26);
  head.writeUInt16LE(extra.length, 28);
  return Buffer.concat([head, entry.name, extra]);
}

/** What stands behind the content. */
export function dataDescriptor(entry: ZipEntry, { crc, packed, bytes }: ZipContent): Buffer {
  const large = isLarge(entry);
  const record = Buffer.alloc(large ? 24 : 16);
  record.writeUInt32LE(0x0807_4b50, 0);
  record.writeUInt32LE(crc, 4);
  if (large) {
    record.writeBigUInt64LE(BigInt(packed), 8);
    record.writeBigUInt64LE(BigInt(bytes), 16);
  } else {
    record.writeUInt32LE(packed, 8);
    record.writeUInt32LE(bytes, 12);
  }
  return record;
}

export function centralRecord(entry: ZipEntry, { crc, packed, bytes, offset }: ZipContent): Buffer {
  const beyond = [bytes, packed, offset].filter((value) => value >= most32);
  const extra = Buffer.concat([timeExtra(entry.mtime), beyond.length > 0 ? zip64Extra(beyond) : Buffer.alloc(0)]);
  const head = Buffer.alloc(46);
  const [date, time] = dosTime(entry.mtime);
  head.writeUInt32LE(0x0201_4b50, 0);
  head.writeUInt16LE(madeBy, 4);
  head.writeUInt16LE(isLarge(entry) || beyond.length > 0 ? 45 : 20, 6);
  head.writeUInt16LE(flags, 8);
  head.writeUInt16LE(methodOf(entry), 10);
  head.writeUInt16LE(time, 12);
  head.writeUInt16LE(date, 14);
  head.writeUInt32LE(crc, 16);
  head.writeUInt32LE(Math.min(packed, most32), 20);
  head.writeUInt32LE(Math.min(bytes, most32), 24);
  head.writeUInt16LE(entry.name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt32LE(((entry.mode << 16) | (entry.name.at(-1) === 0x2f ? dosFolder : 0)) >>> 0, 38);
  head.writeUInt32LE(Math.min(offset, most32), 42);
  return Buffer.concat([head, entry.name, extra]);
}

/** The end of the archive: how many entries there are, and where the list of them is. */
export function endRecords({
  count,
  offset,
  bytes,
}: {
  readonly count: number;
  readonly offset: number;
  readonly bytes: number;
}): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Math.min(count, most16), 8);
  end.writeUInt16LE(Math.min(count, most16), 10);
  end.writeUInt32LE(Math.min(bytes, most32), 12);
  end.writeUInt32LE(Math.min(offset, most32), 16);
  if (count < most16 && bytes < most32 && offset < most32) return end;
  const large = Buffer.alloc(56 + 20);
  large.writeUInt32LE(0x0606_4b50, 0);
  large.writeBigUInt64LE(44n, 4);
  large.writeUInt16LE(madeBy, 12);
  large.writeUInt16LE(45, 14);
  large.writeBigUInt64LE(BigInt(count), 24);
  large.writeBigUInt64LE(BigInt(count), 32);
  large.writeBigUInt64LE(BigInt(bytes), 40);
  large.writeBigUInt64LE(BigInt(offset), 48);
  large.writeUInt32LE(0x0706_4b50, 56);
  large.writeBigUInt64LE(BigInt(offset + bytes), 64);
  large.writeUInt32LE(1, 72);
  return Buffer.concat([large, end]);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  for (const [at, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * at);
  return extra;
}

/** Seconds since 1970, where 32 bits hold them. */
function timeExtra(mtime: bigint): Buffer {
  const seconds = Number(mtime / 1_000_000_000n);
  if (seconds < -(2 ** 31) || seconds >= 2 ** 31) return Buffer.alloc(0);
  const extra = Buffer.alloc(9);
  extra.writeUInt16LE(0x5455, 0);
  extra.writeUInt16LE(5, 2);
  extra.writeUInt8(1, 4);
  extra.writeInt32LE(seconds, 5);
  return extra;
}

/** The nearest time from 1980 to 2107, in UTC, to two seconds. */
function dosTime(mtime: bigint): readonly [date: number, time: number] {
  const seconds = Number(mtime / 1_000_000_000n);
  const at = new Date(Math.min(Math.max(seconds, firstSecond), lastSecond) * 1000);
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  return [date, (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)];
}

const firstSecond = Date.UTC(1980, 0, 1) / 1000;
const lastSecond = Date.UTC(2107, 11, 31, 23, 59, 58) / 1000;
