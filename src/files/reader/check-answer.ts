import { mostRanges, mostUnreadable, type Answer, type Entry, type RequestName } from '../protocol.ts';
import {
  base64,
  count,
  countOrNull,
  device,
  figure,
  fileType,
  listOf,
  oneOf,
  optional,
  shaped,
  text,
  textOrNull,
  time,
  truth,
  volumeId,
  whole,
  type Shape,
} from '../shapes.ts';

/** Whoever has taken the guest over can say anything: every answer has the shape that it is used by, and no more than this. */
const most = { volumes: 4096, notes: 64, xattrs: 4096, line: 256 * 1024 } as const;

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
  type: fileType,
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
  device: optional(device),
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

const isEntry = shaped(entry) as (value: unknown) => value is Entry;

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
