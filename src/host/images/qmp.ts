import { createConnection } from 'node:net';
import type { ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';

/** A line-wise JSON conversation on a Unix socket: QMP, and the guest agent, which speaks the same way. */
export interface JsonSocket extends Disposable {
  /** Sends a command, and answers what its `return` says. @throws SendenseError of the code that was given */
  ask(command: string, args?: object): Promise<unknown>;
  /** Resolves when the conversation has ended. */
  readonly gone: Promise<void>;
}

export interface JsonSocketLimits {
  /** How long one answer may take, ms; default: 10000. */
  readonly timeoutMs?: number;
  /** Bytes of one answer with all that comes before it; default: more than QEMU needs for a mebibyte that a guest wrote, each byte of it escaped. */
  readonly mostBytes?: number;
  /** What is no message ends the conversation; default: it is passed over. */
  readonly strict?: boolean;
  /** Who speaks, for messages; default: `qemu at` the path. */
  readonly name?: string;
  /** Of errors; default: `tool.failed`. */
  readonly code?: ErrorCode;
}

/**
 * Connects to a socket of qemu. Answers come in the order of the questions; greetings and events are passed over. The agent is a program
 * of the guest, which may say anything: too much of it ends the conversation, and what is no answer is passed over.
 */
export async function connectJsonSocket(path: string, limits: JsonSocketLimits = {}): Promise<JsonSocket> {
  const { timeoutMs = 10_000, mostBytes = 8 * 2 ** 20, name = `qemu at ${path}`, code = 'tool.failed' } = limits;
  const socket = createConnection(path);
  const waiting: PromiseWithResolvers<unknown>[] = [];
  const failed = (why: string, cause?: Error): SendenseError => new SendenseError(code, `${name}: ${why}`, { cause });
  const failAll = (why: string): void => {
    for (const { reject } of waiting.splice(0)) reject(failed(why));
  };
  const opened = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  socket.once('connect', opened.resolve);
  socket.on('error', (error) => {
    opened.reject(failed(error.message, error));
    failAll(error.message);
  });
  socket.on('close', () => {
    failAll('it closed the connection');
    gone.resolve();
  });
  const end = (why: string): void => {
    socket.destroy();
    failAll(why);
  };
  let bytes = 0;
  const split = linesOf((line) => {
    const said = messageIn(line);
    if (said === null) {
      if (limits.strict) end('it said what is no message');
      return;
    }
    if (!('error' in said && said.error) && !('return' in said)) return;
    bytes = 0;
    const question = waiting.shift();
    if ('return' in said) question?.resolve(said.return);
    else question?.reject(failed(whyOf(said.error, line)));
  });
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) end(`it said more than ${mostBytes} bytes, which no answer has`);
    else split(chunk);
  });
  await opened.promise;
  return {
    async ask(command, args) {
      const question = Promise.withResolvers<unknown>();
      const timer = setTimeout(() => {
        // What comes now would be taken for the answer to the next question.
        end(`no answer to ${command} within ${timeoutMs} ms`);
      }, timeoutMs);
      waiting.push(question);
      if (socket.destroyed) failAll('it has ended');
      socket.write(`${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}) })}\n`);
      try {
        return await question.promise;
      } finally {
        clearTimeout(timer);
      }
    },
    gone: gone.promise,
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Null: it is none. */
function messageIn(line: string): object | null {
  try {
    // The agent marks the place from which on its answers count.
    const said: unknown = JSON.parse(line.replace(/^[\xff\ufffd]/, ''));
    return typeof said === 'object' ? said : null;
  } catch {
    return null;
  }
}

function whyOf(error: unknown, line: string): string {
  const { desc } = error as { readonly desc?: unknown };
  return (typeof desc === 'string' ? desc : line).slice(0, 1000);
}

/** Hands on whole lines of what comes. */
function linesOf(onLine: (line: string) => void): (chunk: Buffer) => void {
  let pieces: Buffer[] = [];
  return (chunk) => {
    for (let from = 0; from < chunk.length;) {
      const at = chunk.indexOf(10, from);
      pieces.push(chunk.subarray(from, at < 0 ? chunk.length : at));
      if (at < 0) return;
      onLine(Buffer.concat(pieces).toString('utf8'));
      pieces = [];
      from = at + 1;
    }
  };
}
