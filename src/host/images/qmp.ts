import { createConnection } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';

/** A line-wise JSON conversation on a Unix socket: QMP, and the guest agent, which speaks the same way. */
export interface JsonSocket extends Disposable {
  /** Sends a command, and answers what its `return` says. @throws SendenseError `tool.failed` */
  ask(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
}

export interface JsonSocketLimits {
  /** How long one answer may take, ms; default: 10000. */
  readonly timeoutMs?: number;
  /** Bytes of one answer with all that comes before it; default: more than QEMU needs for a mebibyte that a guest wrote, each byte of it escaped. */
  readonly mostBytes?: number;
}

/**
 * Connects to a socket of qemu. Answers come in the order of the questions; greetings and events are passed over. The agent is a program
 * of the guest, which may say anything: too much of it ends the conversation, and what is no answer is passed over.
 */
export async function connectJsonSocket(path: string, limits: JsonSocketLimits = {}): Promise<JsonSocket> {
  const { timeoutMs = 10_000, mostBytes = 8 * 2 ** 20 } = limits;
  const socket = createConnection(path);
  const waiting: PromiseWithResolvers<unknown>[] = [];
  const failAll = (why: string): void => {
    for (const { reject } of waiting.splice(0)) reject(new SendenseError('tool.failed', `qemu at ${path}: ${why}`));
  };
  const opened = Promise.withResolvers<void>();
  socket.once('connect', opened.resolve);
  socket.on('error', (error) => {
    opened.reject(new SendenseError('tool.failed', `qemu at ${path}: ${error.message}`, { cause: error }));
    failAll(error.message);
  });
  socket.on('close', () => failAll('it closed the connection'));
  const end = (why: string): void => {
    socket.destroy();
    failAll(why);
  };
  let bytes = 0;
  const split = linesOf((line) => {
    const answer = answerIn(line);
    if (!answer) return;
    bytes = 0;
    waiting.shift()?.[answer.ok ? 'resolve' : 'reject'](answer.ok ? answer.value : answer.error);
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
      socket.write(`${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}) })}\n`);
      try {
        return await question.promise;
      } finally {
        clearTimeout(timer);
      }
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: SendenseError };

/** Null: it is none. */
function answerIn(line: string): Answer | null {
  let said: unknown;
  try {
    // The agent marks the place from which on its answers count.
    said = JSON.parse(line.replace(/^[\xff\ufffd]/, ''));
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null) return null;
  if ('error' in said && said.error) {
    const { desc } = said.error as { readonly desc?: unknown };
    const why = typeof desc === 'string' ? desc : line;
    return { ok: false, error: new SendenseError('tool.failed', `qemu: ${why.slice(0, 1000)}`) };
  }
  return 'return' in said ? { ok: true, value: said.return } : null;
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
