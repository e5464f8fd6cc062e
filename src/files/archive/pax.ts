/** What a header of an archive says. Source: pax(1) of POSIX, "ustar Interchange Format" and "pax Extended Header". */
export interface PaxEntry {
  /** A folder's ends with a slash. */
  readonly name: Buffer;
  readonly type: '0' | '2' | '5';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  readonly target?: Buffer | undefined;
}

const block = 512;
const most = { name: 100, id: 0o7777777, number: 0o77777777777 } as const;

/** The headers of an entry; its content, filled up to whole blocks, comes after them. */
export function paxHeaders(entry: PaxEntry): Buffer {
  const { name, uid, gid, size } = entry;
  const records = recordsOf(entry);
  const length = records.reduce((sum, { length: bytes }) => sum + bytes, 0);
  const own = records.length === 0 ? 0 : block + length + padding(length).length;
  const bytes = Buffer.alloc(own + block);
  if (own > 0) {
    const ahead = { name: Buffer.concat([paxName, lastOf(name)]), mode: 0o644, uid: 0, gid: 0, size: length };
    putHeader(bytes, 0, { ...ahead, mtime: entry.mtime, type: 'x' });
    let at = block;
    for (const one of records) at += one.copy(bytes, at);
  }
  putHeader(bytes, own, {
    ...entry,
    uid: uid > most.id ? 0 : uid,
    gid: gid > most.id ? 0 : gid,
    size: size > most.number ? 0 : size,
  });
  return bytes;
}

/** How many bytes of an archive an entry takes, with its headers and its content. */
export function paxBytes(entry: PaxEntry): number {
  const records = recordsOf(entry).reduce((sum, { length }) => sum + length, 0);
  const ahead = records === 0 ? 0 : block + inBlocks(records);
  return ahead + block + inBlocks(entry.size);
}

const inBlocks = (bytes: number): number => Math.ceil(bytes / block) * block;

/** What a header has no room for. */
function recordsOf({ name, target = none, mtime, size, uid, gid }: PaxEntry): Buffer[] {
  const records: Buffer[] = [];
  if (name.length > most.name || !isAscii(name)) records.push(record('path', name));
  if (target.length > most.name || !isAscii(target)) records.push(record('linkpath', target));
  if (uid > most.id) records.push(record('uid', Buffer.from(String(uid))));
  if (gid > most.id) records.push(record('gid', Buffer.from(String(gid))));
  if (size > most.number) records.push(record('size', Buffer.from(String(size))));
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > most.number)
    records.push(record('mtime', Buffer.from(timeText(mtime))));
  return records;
}

const none = Buffer.alloc(0);
const zeros = Buffer.alloc(block);
const paxName = Buffer.from('./PaxHeaders/');

export const padding = (size: number): Buffer => zeros.subarray(0, (block - (size % block)) % block);

function isAscii(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte >= 0x80) return false;
  return true;
}

function lastOf(name: Buffer): Buffer {
  const end = name.at(-1) === 0x2f ? name.length - 1 : name.length;
  return name.subarray(name.lastIndexOf(0x2f, end - 1) + 1, end).subarray(0, most.name - paxName.length);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function record(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length++;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

/** Seconds with their fraction: before 1970 the nanoseconds count forward from the second below. */
function timeText({ seconds, nanoseconds }: PaxEntry['mtime']): string {
  const isBefore = seconds < 0 && nanoseconds > 0;
  const whole = isBefore ? -seconds - 1 : Math.abs(seconds);
  const fraction = String(isBefore ? second - nanoseconds : nanoseconds)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${seconds < 0 ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Nanoseconds. */
const second = 1_000_000_000;

/** @param bytes zeros from `at` on, for a block */
function putHeader(
  bytes: Buffer,
  at: number,
  { name, mode, uid, gid, size, mtime, target = none, type }: Omit<PaxEntry, 'type'> & { readonly type: string },
): void {
  name.copy(bytes, at, 0, most.name);
  putOctal(bytes, at + 100, 7, mode & 0o7777);
  putOctal(bytes, at + 108, 7, uid);
  putOctal(bytes, at + 116, 7, gid);
  putOctal(bytes, at + 124, 11, size);
  putOctal(bytes, at + 136, 11, Math.min(Math.max(mtime.seconds, 0), most.number));
  bytes.fill(0x20, at + 148, at + 156);
  bytes[at + 156] = type.charCodeAt(0);
  target.copy(bytes, at + 157, 0, most.name);
  bytes.set(magic, at + 257);
  putOctal(bytes, at + 329, 7, 0);
  putOctal(bytes, at + 337, 7, 0);
  let sum = 0;
  for (let index = at; index < at + used; index++) sum += bytes[index] ?? 0;
  putOctal(bytes, at + 148, 6, sum);
  bytes[at + 154] = 0;
}

const magic = Buffer.from('ustar\x0000', 'latin1');
/** Of a block, by what {@link putHeader} writes; bytes. */
const used = 345;

function putOctal(bytes: Buffer, at: number, digits: number, value: number): void {
  let left = value;
  for (let digit = at + digits - 1; digit >= at; digit--) {
    const higher = Math.floor(left / 8);
    bytes[digit] = 0x30 + left - higher * 8;
    left = higher;
  }
}
