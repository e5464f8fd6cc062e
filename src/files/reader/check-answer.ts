import { mostRanges, mostUnreadable, type Answer, type Entry, type RequestName } from '../protocol.ts';

/** Whoever has taken the guest over can say anything: every answer has the shape that it is used by, and no more than this. */
const most = { volumes: 4096, notes: 64, xattrs: 4096, text: 64 * 1024, line: 256 * 1024 } as const;

type Check<T> = (value: unknown) => value is T;
type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

const text = (value: unknown): value is string => typeof value === 'string' && value.length <= most.text;
const textOrNull = (value: unknown): boolean => value === null || text(value);
const count = (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const countOrNull = (value: unknown): boolean => value === null || count(value);
/** Of a size or number that the file system says, which can be anything. */
const figure = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const truth = (value: unknown): boolean => typeof value === 'boolean';
const whole = (value: unknown): boolean => text(value) && /^-?\d{1,20}$/.test(value);
/** Nanoseconds since 1970: a damaged inode can hold 64 bits of seconds, which are years that nobody counts. */
const time = (value: unknown): boolean => text(value) && /^-?\d{1,29}$/.test(value);
const base64 = (value: unknown): boolean => text(value) && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
const oneOf =
  (...words: readonly (string | null)[]) =>
  (value: unknown): boolean =>
    (words as readonly unknown[]).includes(value);
const optional =
  (check: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || check(value);
const listOf =
  (check: (value: unknown) => boolean, atMost: number) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.length <= atMost && value.every(check);
const shaped =
  (shape: Shape) =>
  (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(shape).every(([name, check]) => check((value as Record<string, unknown>)[name]));

/** Of disks and partitions, of LVM and of md: names that are shown and typed. */
const volumeId = (value: unknown): boolean => text(value) && /^[\w.+-]{1,255}(?:\/[\w.+-]{1,255})?$/.test(value);

const volume = shaped({
  id: volumeId,
  type: textOrNull,
  bytes: count,
  label: textOrNull,
  uuid: textOrNull,
  state: oneOf('readable', 'encrypted', 'swap', 'empty', 'part', 'unsupported', 'damaged'),
  why: textOrNull,
  used: countOrNull,
  journal: oneOf('none', 'clean', 'replayed', 'skipped', null),
  notes: listOf(text, most.notes),
});
const volumes = listOf(volume, most.volumes);

const entry: Shape = {
  name: base64,
  type: oneOf('file', 'folder', 'link', 'fifo', 'socket', 'char', 'block', 'unknown'),
  size: figure,
  allocated: figure,
  mode: count,
  uid: count,
  gid: count,
  links: figure,
  inode: whole,
  mtime: time,
  ctime: time,
  atime: time,
  target: optional(base64),
  device: optional((value) => text(value) && /^\d{1,10}:\d{1,10}$/.test(value)),
};
const pair = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && text(value[0]) && base64(value[1]);

const range = (value: unknown): boolean => Array.isArray(value) && value.length === 3 && value.every(count);
const ranges = listOf(range, mostRanges);

const unreadable = listOf(text, mostUnreadable);

const answers: Readonly<Record<RequestName, (value: unknown) => boolean>> = {
  plug: volumes,
  volumes,
  open: volume,
  unlock: volumes,
  ranges: shaped({ ranges: (value) => value === null || ranges(value) }),
  stat: shaped({
    ...entry,
    path: base64,
    xattrs: listOf(pair, most.xattrs),
    content: optional(base64),
    doubled: (value) => value === null || truth(value),
  }),
  list: shaped({ path: base64, total: count, more: truth, unreadable }),
  walk: shaped({ seen: count, unreadable }),
  read: shaped({ bytes: count }),
  extents: shaped({ known: truth, size: count }),
  tar: shaped({ said: text }),
};

/** Whether an answer is one to this request. */
export const isAnswer = <N extends RequestName>(name: N, value: unknown): value is Answer<N> => answers[name](value);

const isEntry = shaped(entry) as Check<Entry>;

/**
 * Entries of the lines that a listing or a walk streams, each complete.
 * @returns what takes the bytes; it throws where they are no entries
 */
export function entriesOf(act: (entry: Entry) => Promise<void> | void): (bytes: Buffer) => Promise<void> {
  let rest = '';
  return async (bytes) => {
    const lines = (rest + bytes.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > most.line) throw new Error('a line without an end');
    for (const line of lines) {
      const value: unknown = JSON.parse(line);
      if (!isEntry(value)) throw new Error('a line that is no entry');
      await act(value);
    }
  };
}
