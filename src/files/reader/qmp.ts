import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { SendenseError } from '../../errors/sendense-error.ts';

/** The control connection of a qemu-storage-daemon. Source: qemu-storage-daemon-qmp-ref(7). */
export interface Qmp extends Disposable {
  /** @throws SendenseError `files.reader` with what QEMU says */
  execute(command: string, args?: object): Promise<unknown>;
  /** Runs a job such as `blockdev-create` to its end. */
  runJob(command: string, args: object): Promise<void>;
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
  socket.on('error', (error) => lost(error.message)).on('close', () => lost('it has ended'));
  createInterface({ input: socket }).on('line', (line) => {
    const { id, error, ...message } = JSON.parse(line) as QmpMessage;
    const call = id === undefined ? undefined : waiting.get(id);
    if (!call || id === undefined) return;
    waiting.delete(id);
    if (error) call.reject(failed(error.desc ?? 'unknown'));
    else call.resolve(message.return);
  });
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

const connected = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket)).once('error', (error) => reject(failed(error.message)));
  });

const failed = (why: string): SendenseError => new SendenseError('files.reader', `qemu-storage-daemon: ${why}`);
