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
  const { name, target = none, mtime, size, uid, gid } = entry;
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer | string | number): void =>
    void records.push(record(key, Buffer.from(String(value))));
  if (name.length > most.name || !isAscii(name)) records.push(record('path', name));
  if (target.length > most.name || !isAscii(target)) records.push(record('linkpath', target));
  if (uid > most.id) add('uid', uid);
  if (gid > most.id) add('gid', gid);
  if (size > most.number) add('size', size);
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > most.number) add('mtime', timeText(mtime));
  const own = header({
    ...entry,
    uid: uid > most.id ? 0 : uid,
    gid: gid > most.id ? 0 : gid,
    size: size > most.number ? 0 : size,
  });
  if (records.length === 0) return own;
  const body = Buffer.concat(records);
  const ahead = {
    ...entry,
    name: Buffer.concat([paxName, lastOf(name)]),
    target: none,
    mode: 0o644,
    size: body.length,
    uid: 0,
    gid: 0,
  };
  return Buffer.concat([header(ahead, 'x'), body, padding(body.length), own]);
}

const none = Buffer.alloc(0);
const zeros = Buffer.alloc(block);
const paxName = Buffer.from('./PaxHeaders/');

export const padding = (size: number): Buffer => zeros.subarray(0, (block - (size % block)) % block);

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);

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
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const size = total < 0n ? -total : total;
  const fraction = String(size % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${total < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

function header({ name, mode, uid, gid, size, mtime, target = none, type }: PaxEntry, as: string = type): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, digits: number): void =>
    void bytes.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  bytes.set(name.subarray(0, most.name), 0);
  octal(mode & 0o7777, 100, 7);
  octal(uid, 108, 7);
  octal(gid, 116, 7);
  octal(size, 124, 11);
  octal(Math.min(Math.max(mtime.seconds, 0), most.number), 136, 11);
  bytes.fill(0x20, 148, 156);
  bytes.write(as, 156, 'latin1');
  bytes.set(target.subarray(0, most.name), 157);
  bytes.write('ustar\x0000', 257, 'latin1');
  octal(0, 329, 7);
  octal(0, 337, 7);
  let sum = 0;
  for (let at = 0; at < block; at++) sum += bytes[at] ?? 0;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}
