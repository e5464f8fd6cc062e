import type { Readable, Writable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';
import {
  chunkWindow,
  lineBytes,
  type Answer,
  type Ask,
  type GuestErrorCode,
  type GuestLine,
  type HubLine,
  type RequestName,
} from '../protocol.ts';
import { isAnswer } from './check-answer.ts';

/** Requests to the guest, several at a time. */
export interface Channel {
  /**
   * Sends a request. Bytes come to `onBytes` one piece after the other; while one is dealt with, the guest waits.
   * @throws SendenseError as the guest says; `files.reader` where it is gone; on abort the signal's reason
   */
  ask<N extends RequestName>(
    name: N,
    ask: Ask<N>,
    options?: { readonly signal?: AbortSignal | undefined; onBytes?(bytes: Buffer): Promise<void> | void },
  ): Promise<Answer<N>>;
  /** Resolves when the guest serves requests; rejects where it ends before. */
  readonly ready: Promise<void>;
  /** Every request fails with this from now on. @param code default: `files.reader` */
  end(why: string, code?: ErrorCode): void;
  /** Whether an answer is waited for, and how many pieces and answers there were. */
  work(): { readonly asked: boolean; readonly answers: number };
}

/** How what the guest says is told. */
const codes: Readonly<Record<GuestErrorCode, ErrorCode>> = {
  path: 'files.path',
  type: 'files.type',
  volume: 'files.volume',
  locked: 'files.locked',
  damaged: 'files.damaged',
  cancelled: 'files.reader',
  internal: 'files.reader',
};

interface ChannelParts {
  readonly input: Writable;
  readonly output: Readable;
  /** Takes a chunk out of the folder that the guest writes to. */
  take(id: number, chunk: number, bytes: number): Promise<Buffer>;
  /** Lays down a long line where the guest reads it. @returns what removes it */
  lay(id: number, line: string): () => void;
  /** What its kernel said last: of a damaged file system, mostly. */
  lastWords?(): string;
  /** The guest is of no use any more. */
  onEnd(): void;
}

/** The guest's serial line holds 4096 bytes that nobody has read yet, and stands still with more. */
const longestLine = 1024;
const mostAtOnce = 24;

const mostText = 8192;

/** The guest says every few seconds that it is there while it works; ms. */
const silenceMs = 60_000;

/** Nothing that the guest writes is believed: what is no line of the protocol is the kernel's talk, or ends the reader. */
export function openChannel(parts: ChannelParts): Channel {
  const { input, output } = parts;
  const calls = new Calls(parts);
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let heard = performance.now();
  let answers = 0;
  const silence = setInterval(() => {
    if (calls.none) heard = performance.now();
    else if (performance.now() - heard > silenceMs) {
      const last = parts.lastWords?.() ?? '';
      end(`the reader has said nothing for ${silenceMs / 1000} s${last === '' ? '' : `; before: ${last}`}`);
    }
  }, silenceMs / 10).unref();
  const end = (why: string, code: ErrorCode = 'files.reader'): void => {
    const error = new SendenseError(code, why);
    if (!calls.end(error)) return;
    ready.reject(error);
    clearInterval(silence);
    parts.onEnd();
  };
  const hear = (line: GuestLine): void => {
    heard = performance.now();
    if ('ready' in line) ready.resolve();
    else if (!('alive' in line)) {
      answers++;
      calls.hear(line);
    }
  };
  input.on('error', (error) => end(`the reader is gone: ${error.message}`));
  onLines(output, hear, end);
  return {
    ready: ready.promise,
    work: () => ({ asked: !calls.none, answers }),
    end,
    ask: (name, ask, { signal, onBytes } = {}) =>
      calls.ask(name, ask, { signal, onBytes }) as Promise<Answer<typeof name>>,
  };
}

interface Call {
  readonly name: RequestName;
  readonly onBytes: (bytes: Buffer) => Promise<void> | void;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Pieces, one after the other. */
  pieces: Promise<void>;
  /** How many the guest has told of, and how many are dealt with. */
  told: number;
  taken: number;
}

type AnswerLine = Exclude<GuestLine, { readonly ready: true } | { readonly alive: true }>;

/** Requests that wait for their answers. */
class Calls {
  readonly #waiting = new Map<number, Call>();
  readonly #input: Writable;
  readonly #take: ChannelParts['take'];
  readonly #lay: ChannelParts['lay'];
  /** Those for which there is no room yet. */
  readonly #queue: (() => void)[] = [];
  #asking = 0;
  #last = 0;
  #ended: SendenseError | null = null;

  constructor({ input, take, lay }: ChannelParts) {
    this.#input = input;
    this.#take = take;
    this.#lay = lay;
  }

  get none(): boolean {
    return this.#waiting.size === 0;
  }

  /** @returns whether it was the first end */
  end(error: SendenseError): boolean {
    if (this.#ended) return false;
    this.#ended = error;
    for (const call of this.#waiting.values()) call.reject(error);
    this.#waiting.clear();
    return true;
  }

  async ask(
    name: RequestName,
    ask: unknown,
    {
      signal,
      onBytes = () => undefined,
    }: { readonly signal: AbortSignal | undefined; readonly onBytes: Call['onBytes'] | undefined },
  ): Promise<unknown> {
    if (this.#asking >= mostAtOnce) await new Promise<void>((resolve) => void this.#queue.push(resolve));
    this.#asking++;
    try {
      signal?.throwIfAborted();
      if (this.#ended) throw this.#ended;
      return await this.#askNow({ do: name, ask }, { name, onBytes }, signal);
    } finally {
      this.#asking--;
      this.#queue.shift()?.();
    }
  }

  async #askNow(
    what: { readonly do: RequestName; readonly ask: unknown },
    call: Pick<Call, 'name' | 'onBytes'>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const id = ++this.#last;
    const done = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { ...done, ...call, pieces: Promise.resolve(), told: 0, taken: 0 });
    const cancel = (): void => this.#giveUp(id, signal?.reason);
    signal?.addEventListener('abort', cancel, { once: true });
    const line = JSON.stringify({ id, ...what });
    // A passphrase is on no disk; its line has room (`restore-unlock.json`).
    const isLaid = line.length > longestLine && call.name !== 'unlock';
    const remove = isLaid ? this.#lay(id, line) : null;
    this.#send(remove ? { id, laid: true } : { id, ...what });
    try {
      return await done.promise;
    } finally {
      remove?.();
      signal?.removeEventListener('abort', cancel);
    }
  }

  hear(line: AnswerLine): void {
    const call = this.#waiting.get(line.id);
    if (!call) return;
    if ('chunk' in line) this.#hearChunk(call, line);
    else if ('error' in line) {
      const { code, message } = line.error;
      const known = Object.hasOwn(codes, code) ? codes[code] : 'files.reader';
      this.#finish(line.id, ({ reject }) => reject(new SendenseError(known, String(message).slice(0, mostText))));
    } else {
      const { answer, rest } = line;
      if (rest !== undefined) call.pieces = call.pieces.then(() => call.onBytes(Buffer.from(String(rest), 'base64')));
      this.#finish(line.id, ({ name, resolve, reject }) =>
        isAnswer(name, answer)
          ? resolve(answer)
          : reject(new SendenseError('files.reader', `the reader's answer to ${name} is none`)),
      );
    }
  }

  #hearChunk(call: Call, { id, chunk, bytes }: Extract<AnswerLine, { readonly chunk: number }>): void {
    // A guest that keeps to the protocol waits; without that, what it tells of would fill the memory.
    if (chunk !== call.told++ || call.told - call.taken > chunkWindow)
      return this.#giveUp(id, new SendenseError('files.reader', 'the reader handed over more than it may at a time'));
    const before = call.pieces;
    const hand = async (): Promise<void> => {
      await before;
      await call.onBytes(await this.#take(id, chunk, bytes));
      call.taken++;
      this.#send({ id, taken: chunk });
    };
    call.pieces = hand();
    call.pieces.catch((error: unknown) => this.#giveUp(id, error));
  }

  /** The guest stops working for nobody. */
  #giveUp(id: number, error: unknown): void {
    this.#send({ id, cancel: true });
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    call?.reject(error);
  }

  /** When all of its pieces are dealt with. */
  #finish(id: number, act: (call: Call) => void): void {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    call?.pieces.then(() => act(call)).catch(call.reject);
  }

  #send(line: HubLine): void {
    if (!this.#ended) this.#input.write(`${JSON.stringify(line)}\n`);
  }
}

/** Complete lines of the protocol. */
function onLines(output: Readable, hear: (line: GuestLine) => void, end: (why: string) => void): void {
  let text = '';
  output.setEncoding('utf8');
  output.on('data', (piece: string) => {
    text += piece;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    if (text.length > lineBytes) return end('the reader wrote a line without an end');
    for (const line of lines) {
      if (!line.startsWith('{')) continue;
      try {
        hear(JSON.parse(line) as GuestLine);
      } catch (error) {
        return end(`the reader wrote what is no answer: ${(error as Error).message}`);
      }
    }
  });
}
