import type { IncomingMessage } from 'node:http';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shortText } from '../../host/net/bounded-answer.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type {
  FilesListOutput,
  FilesMountsOutput,
  FilesOutput,
  FilesStatOutput,
  RestorePlaces,
  RestoreUnchanged,
} from '../../schemas/types.ts';
import {
  base64,
  count,
  device,
  figure,
  fileType,
  listOf,
  oneOf,
  shaped,
  text,
  textOrNull,
  time,
  truth,
  volumeId,
  whole,
  type Check,
} from '../shapes.ts';

/*
 * Whoever answers may be no hub of ours, or one that somebody has taken over: files are made here of what is said, with its names, modes,
 * times and attributes. So every answer has the form in which it is used. It may have more: a newer hub says more.
 */

/** A folder comes in pages, an inventory does not. */
const mostBytes = 64 * 1024 * 1024;
const many = 1_000_000;

/** A path, which can be longer than any that one call of the system takes. */
const path: Check = (value) => typeof value === 'string' && value.length <= 1024 * 1024;
/** It stands in the paths of requests. */
const session: Check = (value) => text(value) && /^[\w.~-]{1,255}$/.test(value);
const pathId: Check = (value) => path(value) && /^[\w-]*$/.test(value as string);
const mode: Check = (value) => text(value) && /^[0-7]{1,22}$/.test(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const texts = listOf(text, many);

const entry = shaped({
  name: path,
  id: pathId,
  type: fileType,
  size: figure,
  allocated: figure,
  mode,
  uid: count,
  gid: count,
  links: figure,
  inode: whole,
  mtime_ns: time,
  ctime_ns: time,
  atime_ns: time,
  target: orNull(path),
  device: orNull(device),
});
const end = shaped({ seen: count, unreadable: texts });

/** What each answer tells of. */
export interface Judged {
  'a restore point': FilesOutput;
  'what is open': FilesMountsOutput;
  'what has changed': RestoreUnchanged;
  'a folder': FilesListOutput;
  'a file': FilesStatOutput;
  'the content of a file': RestorePlaces;
}

const forms: Readonly<Record<keyof Judged, Check>> = {
  'a restore point': shaped({
    id: session,
    vm: text,
    backup_id: text,
    created: count,
    expires: count,
    reader: text,
    remark: textOrNull,
    volumes: listOf(
      shaped({ id: volumeId, type: textOrNull, bytes: count, label: textOrNull, state: text, notes: texts }),
      many,
    ),
  }),
  'what is open': shaped({ mounts: listOf(shaped({ id: session, vm: text, backup_id: text }), many) }),
  'what has changed': shaped({ same: truth, before: text, after: text, volumes: orNull(texts), remarks: texts }),
  'a folder': shaped({ entries: listOf(entry, many), next: orNull(path), unreadable: texts }),
  'a file': shaped({
    volume: volumeId,
    path,
    entry,
    xattrs: listOf(shaped({ name: text, value: base64 }), many),
    warnings: texts,
  }),
  'the content of a file': shaped({ etag: text, size: count }),
};

/** The forms of lines that a search and a comparison answer. */
export type FoundForm = keyof typeof foundForms;

const foundForms = {
  'what was found': entry,
  'what differs': shaped({
    change: oneOf('added', 'removed', 'changed', 'metadata'),
    volume: volumeId,
    path,
    what: texts,
    before: orNull(shaped({ type: fileType })),
    after: orNull(shaped({ type: fileType })),
  }),
} as const;

/** @throws SendenseError `remote.answer` */
export async function judgedText<What extends keyof Judged>(
  what: What,
  answer: IncomingMessage,
): Promise<Judged[What]> {
  const body = await shortText(answer, mostBytes, () => strange(`${what} has more than ${mostBytes} bytes`));
  return judged<Judged[What]>(forms[what], what, () => parseJson(body));
}

/** @throws SendenseError `remote.answer` */
export const judgedLine = (what: FoundForm, line: string): object =>
  judged(
    (value) => foundForms[what](value) || end(value),
    what,
    () => parseJson(line),
  );

function judged<T>(form: Check, what: string, parse: () => unknown): T {
  let value: unknown;
  try {
    value = parse();
  } catch (error) {
    throw strange(`${what} is no JSON`, error);
  }
  if (!form(value)) throw strange(`${what} has another form`);
  return value as T;
}

export const strange = (why: string, cause?: unknown): SendenseError =>
  new SendenseError('remote.answer', `no hub of this version answers so about files: ${why}`, { cause });
