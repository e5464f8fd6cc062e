import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { SendenseError } from '../errors/sendense-error.ts';

/** A line-wise JSON conversation on a Unix socket: QMP, and the guest agent, which speaks the same way. */
export interface JsonSocket extends Disposable {
  /** Sends a command, and answers what its `return` says. @throws SendenseError `tool.failed` */
  ask(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
}

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc?: string };
}

/** How long one answer may take, ms. */
const answerMs = 10_000;

/**
 * Connects to a socket of qemu. Answers come in the order of the questions; greetings and events are passed over.
 * @param timeoutMs of each question; default 10000
 */
export async function connectJsonSocket(path: string, timeoutMs: number = answerMs): Promise<JsonSocket> {
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
  const lines = createInterface({ input: socket });
  // It tells again of what is told above.
  lines.on('error', () => undefined);
  lines.on('line', (line) => {
    let answer: Answer;
    try {
      answer = JSON.parse(line.replace(/^\xff/, '')) as Answer;
    } catch {
      return;
    }
    if (answer.error) waiting.shift()?.reject(new SendenseError('tool.failed', `qemu: ${answer.error.desc ?? line}`));
    else if ('return' in answer) waiting.shift()?.resolve(answer.return);
  });
  await opened.promise;
  return {
    async ask(command, args) {
      const question = Promise.withResolvers<unknown>();
      const timer = setTimeout(() => {
        // What comes now would be taken for the answer to the next question.
        socket.destroy();
        failAll(`no answer to ${command} within ${timeoutMs} ms`);
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
