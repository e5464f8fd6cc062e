import { SendenseError } from '../errors/sendense-error.ts';
import { connectJsonSocket } from '../host/images/qmp.ts';

/** The control connection of a qemu-storage-daemon. Source: qemu-storage-daemon-qmp-ref(7). */
export interface Qmp extends Disposable {
  /** @throws SendenseError `files.reader` with what QEMU says */
  execute(command: string, args?: object): Promise<unknown>;
  /** Runs a job such as `blockdev-create` to its end. */
  runJob(command: string, args: object): Promise<void>;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
}

const name = 'qemu-storage-daemon';

/** Whoever writes a disk may have taken over what is at the other end: what is no QMP ends the connection, and nothing else. */
const limits = { timeoutMs: 30_000, mostBytes: 1024 * 1024, strict: true, name, code: 'files.reader' } as const;

const betweenMs = 2;

export async function connectQmp(path: string): Promise<Qmp> {
  const socket = await connectJsonSocket(path, limits);
  const execute: Qmp['execute'] = (command, args) => socket.ask(command, args);
  await execute('qmp_capabilities');
  let jobs = 0;
  return {
    execute,
    gone: socket.gone,
    async runJob(command, args) {
      const id = `job${++jobs}`;
      await execute(command, { 'job-id': id, ...args });
      for (let status = ''; status !== 'concluded';) {
        const all = (await execute('query-jobs')) as readonly { id: string; status: string; error?: string }[];
        const one = all.find((job) => job.id === id);
        status = one?.status ?? '';
        if (one === undefined || status !== 'concluded') {
          await new Promise((resolve) => setTimeout(resolve, betweenMs));
          continue;
        }
        await execute('job-dismiss', { id });
        if (one.error !== undefined) throw new SendenseError('files.reader', `${name}: ${one.error}`);
      }
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}
