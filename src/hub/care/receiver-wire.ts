import type { Readable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ErrorOutput } from '../../schemas/types.ts';
import type { FileFacts } from '../../repository/care/receive-files.ts';

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

const isFacts = (facts: unknown): boolean =>
  isObject(facts) &&
  isText(facts['path']) &&
  isCount(facts['bytes']) &&
  /^[0-9]{1,20}$/.test(String(facts['mtime_ns'])) &&
  isText(facts['sha256']);

/** @throws SendenseError `link.protocol` for what is no request; SyntaxError for what is no JSON */
export function requestIn(line: string): ReceiverRequest {
  const said: unknown = JSON.parse(line);
  if (isObject(said) && isText(said['op']) && Object.hasOwn(parts, said['op'])) {
    if (parts[said['op'] as ReceiverRequest['op']](said)) return said as unknown as ReceiverRequest;
    throw new SendenseError('link.protocol', `the sender asked for ${said['op']} without saying what of`);
  }
  throw new SendenseError('link.protocol', 'the sender asked for something unknown');
}

/** Bytes of one `write`. */
export const writeBytes = 256 * 1024;

/** A manifest is the longest line. */
const longestLine = 64 * 1024 * 1024;

/** Lines and raw bytes, in turns, from one stream. */
export interface PipeReader {
  /** Null: the stream has ended. */
  line(): Promise<string | null>;
  /** Exactly so many. @throws SendenseError `ssh.lost` where the stream ends before */
  bytes(count: number): Promise<Buffer>;
}

export function pipeReader(stream: Readable): PipeReader {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  };
  const take = (count: number): Buffer => {
    const taken = rest.subarray(0, count);
    rest = rest.subarray(count);
    return taken;
  };
  return {
    async line() {
      for (let from = 0; ;) {
        const end = rest.indexOf(10, from);
        if (end >= 0) return take(end + 1).toString('utf8', 0, end);
        from = rest.length;
        if (from > longestLine) throw new SendenseError('link.protocol', 'a line of the copy is too long');
        if (!(await more())) return null;
      }
    },
    async bytes(count) {
      while (rest.length < count)
        if (!(await more())) throw new SendenseError('ssh.lost', 'the sender went away in the middle of a file');
      return take(count);
    },
  };
}
