import { connect, type Socket } from 'node:net';
import { SendenseError } from '../errors/sendense-error.ts';

/** The control connection of a qemu-storage-daemon. Source: qemu-storage-daemon-qmp-ref(7). */
export interface Qmp extends Disposable {
  /** @throws SendenseError `files.reader` with what QEMU says */
  execute(command: string, args?: object): Promise<unknown>;
  /** Runs a job such as `blockdev-create` to its end. */
  runJob(command: string, args: object): Promise<void>;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
}

interface QmpMessage {
  readonly return?: unknown;
  readonly error?: { readonly desc?: string };
  readonly id?: number;
}

/** Calls wait so long, ms. */
const patienceMs = 30_000;
const betweenMs = 2;

export async function connectQmp(path: string): Promise<Qmp> {
  const socket = await connected(path);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  const lost = (why: string): void => {
    for (const { reject } of waiting.values()) reject(failed(why));
    waiting.clear();
  };
  const gone = Promise.withResolvers<void>();
  socket
    .on('error', (error) => lost(error.message))
    .on('close', () => {
      lost('it has ended');
      gone.resolve();
    });
  const hear = (line: string): void => {
    const { id, error, ...message } = messageOf(line);
    const call = id === undefined ? undefined : waiting.get(id);
    if (!call || id === undefined) return;
    waiting.delete(id);
    if (error) call.reject(failed(String(error.desc)));
    else call.resolve(message.return);
  };
  onLines(socket, hear);
  const execute: Qmp['execute'] = (command, args) => {
    const id = ++calls;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(id);
        reject(failed(`${command} was not answered within ${patienceMs} ms`));
      }, patienceMs);
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(late);
          act(value);
        };
      waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      socket.write(`${JSON.stringify({ execute: command, id, ...(args ? { arguments: args } : {}) })}\n`);
    });
  };
  await execute('qmp_capabilities');
  return {
    execute,
    gone: gone.promise,
    async runJob(command, args) {
      const job = `job${++calls}`;
      await execute(command, { 'job-id': job, ...args });
      for (;;) {
        const jobs = (await execute('query-jobs')) as readonly { id: string; status: string; error?: string }[];
        const one = jobs.find(({ id }) => id === job);
        if (one?.status !== 'concluded') {
          await new Promise((resolve) => setTimeout(resolve, betweenMs));
          continue;
        }
        await execute('job-dismiss', { id: job });
        if (one.error !== undefined) throw failed(one.error);
        return;
      }
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** Longest line, letters. */
const longestLine = 1024 * 1024;

/** Whoever writes a disk may have taken over what is at the other end: what is no QMP ends the connection, and nothing else. */
function onLines(socket: Socket, hear: (line: string) => void): void {
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (text + piece).split('\n');
    text = lines.pop() ?? '';
    try {
      if (text.length > longestLine) throw new Error('a line without an end');
      for (const line of lines) hear(line);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
}

function messageOf(line: string): QmpMessage {
  const message: unknown = JSON.parse(line);
  if (typeof message !== 'object' || message === null) throw new Error('it says what is no QMP');
  return message as QmpMessage;
}

const connected = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket)).once('error', (error) => reject(failed(error.message)));
  });

const failed = (why: string): SendenseError => new SendenseError('files.reader', `qemu-storage-daemon: ${why}`);
