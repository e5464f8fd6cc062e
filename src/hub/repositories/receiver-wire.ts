import type { Readable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { ErrorOutput } from '../../schemas/types.ts';
import type { FileFacts } from '../../repository/stored-files/receive-files.ts';

/**
 * How a copy goes over a pipe: requests and answers are one line of JSON each. After `write` follow its bytes, and it has no
 * answer; all other requests have one, in their order. An error is the last that is said.
 */
export type ReceiverRequest =
  | { readonly op: 'hello'; readonly version: 1; readonly context: string }
  | { readonly op: 'reserve'; readonly bytes: number }
  | { readonly op: 'begin'; readonly path: string; readonly bytes: number }
  | { readonly op: 'write'; readonly bytes: number }
  | { readonly op: 'finish' | 'adopt'; readonly facts: FileFacts }
  | { readonly op: 'commit'; readonly text: string; readonly marks: string | null }
  | { readonly op: 'done' };

export type ReceiverAnswer = { readonly result: unknown } | { readonly error: ErrorOutput };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** What each request must bring. */
const parts: Readonly<Record<ReceiverRequest['op'], (said: Readonly<Record<string, unknown>>) => boolean>> = {
  hello: ({ version, context }) => isCount(version) && isText(context),
  reserve: ({ bytes }) => isCount(bytes),
  begin: ({ path, bytes }) => isText(path) && isCount(bytes),
  write: ({ bytes }) => isCount(bytes),
  finish: ({ facts }) => isFacts(facts),
  adopt: ({ facts }) => isFacts(facts),
  commit: ({ text, marks }) => isText(text) && (marks === null || isText(marks)),
  done: () => true,
};

const isList = (value: unknown, of: (one: unknown) => boolean): boolean => Array.isArray(value) && value.every(of);
const isNullOr = (value: unknown, of: (one: unknown) => boolean): boolean => value === null || of(value);

/** What the answer to each must be. An older hub says nothing of `identity` and `blocked`. */
const answers: Readonly<Record<ReceiverRequest['op'], (result: unknown) => boolean>> = {
  hello: (result) =>
    isObject(result) &&
    [result['repository'], result['id']].every(isText) &&
    isList(result['points'], (point) => isObject(point) && [point['backup_id'], point['checksum']].every(isText)) &&
    isList(result['disks'], (disk) => isObject(disk) && isCount(disk['number']) && isText(disk['uuid'])) &&
    isNullOr(result['identity'] ?? null, isText) &&
    isList(result['blocked'] ?? [], (one) => isObject(one) && [one['backup_id'], one['reason']].every(isText)),
  reserve: () => true,
  begin: (result) =>
    isObject(result) &&
    ['none', 'part', 'whole'].some((state) => state === result['state']) &&
    isCount(result['offset']),
  write: () => true,
  finish: (result) => typeof result === 'boolean',
  adopt: (result) => typeof result === 'boolean',
  commit: () => true,
  done: (result) => isList(result, isText),
};

/** @throws SendenseError `link.protocol` for what is no answer to that */
export function answerIn(line: string, op: ReceiverRequest['op']): ReceiverAnswer {
  const wrong = (cause?: unknown): SendenseError =>
    new SendenseError('link.protocol', `the other hub answered ${op} with: ${line.slice(0, 200)}`, { cause });
  let said: unknown;
  try {
    said = parseJson(line);
  } catch (cause) {
    throw wrong(cause);
  }
  if (!isObject(said)) throw wrong();
  if ('error' in said) {
    const { error } = said;
    if (!isObject(error) || ![error['code'], error['message'], error['remedy']].every(isText)) throw wrong();
  } else if (!answers[op](said['result'])) throw wrong();
  return said as ReceiverAnswer;
}

/** Nanoseconds since the epoch, which are a text because no number of JSON holds them. */
const isTime = (value: unknown): boolean => (isText(value) || isCount(value)) && /^[0-9]{1,20}$/.test(String(value));

const isFacts = (facts: unknown): boolean =>
  isObject(facts) &&
  isText(facts['path']) &&
  isCount(facts['bytes']) &&
  isTime(facts['mtime_ns']) &&
  isText(facts['sha256']);

/** @throws SendenseError `link.protocol` for what is no request; SyntaxError for what is no JSON */
export function requestIn(line: string): ReceiverRequest {
  const said: unknown = parseJson(line);
  if (isObject(said) && isText(said['op']) && Object.hasOwn(parts, said['op'])) {
    if (parts[said['op'] as ReceiverRequest['op']](said)) return said as unknown as ReceiverRequest;
    throw new SendenseError('link.protocol', `the sender asked for ${said['op']} without saying what of`);
  }
  throw new SendenseError('link.protocol', 'the sender asked for something unknown');
}

/** Bytes of one `write`. */
export const writeBytes = 256 * 1024;

/** Bytes of the longest request: a manifest, with its marks. */
export const longestRequest = 1024 * 1024;

/** Bytes of the longest answer: a line for each restore point of a VM. */
export const longestAnswer = 64 * 1024 * 1024;

/** Lines and raw bytes, in turns, from one stream. */
export interface PipeReader {
  /** Null: the stream has ended. @throws SendenseError `link.protocol` for one that is too long */
  line(): Promise<string | null>;
  /** Exactly so many. @throws SendenseError `ssh.lost` where the stream ends before */
  bytes(count: number): Promise<Buffer>;
}

/** Keeps what has come as it came, and looks at each byte once. @param longest bytes of a line */
export function pipeReader(stream: Readable, longest: number): PipeReader {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  /** What `rest` is, or else the next that comes; null: the stream has ended. */
  const next = async (): Promise<Buffer | null> => {
    const chunk = rest;
    rest = Buffer.alloc(0);
    if (chunk.length > 0) return chunk;
    const come = await chunks.next();
    return come.done ? null : come.value;
  };
  return {
    async line() {
      const pieces: Buffer[] = [];
      for (let length = 0; ;) {
        const chunk = await next();
        if (chunk === null) return null;
        const end = chunk.indexOf(10);
        length += end < 0 ? chunk.length : end;
        if (length > longest)
          throw new SendenseError('link.protocol', `a line of the copy has more than ${longest} bytes`);
        pieces.push(end < 0 ? chunk : chunk.subarray(0, end));
        if (end < 0) continue;
        rest = chunk.subarray(end + 1);
        return Buffer.concat(pieces, length).toString('utf8');
      }
    },
    async bytes(count) {
      const pieces: Buffer[] = [];
      for (let missing = count; missing > 0;) {
        const chunk = await next();
        if (chunk === null) throw new SendenseError('ssh.lost', 'the sender went away in the middle of a file');
        pieces.push(chunk.subarray(0, missing));
        rest = chunk.subarray(missing);
        missing -= Math.min(missing, chunk.length);
      }
      return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, count);
    },
  };
}
