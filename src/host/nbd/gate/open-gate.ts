import { Worker } from 'node:worker_threads';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { startFile } from '../../../schemas/package.ts';
import type { GateAnswer, GateOrder } from './gate-messages.ts';
import type { GatePlace } from './listen.ts';

/** The thread with the gates of this process; it ends with the last of them. */
interface Thread {
  ask(order: GateOrder): Promise<GateAnswer['error']>;
  end(): void;
}

let thread: Thread | null = null;
let lastId = 0;
const open = new Set<string>();

/**
 * Opens a port of this host for those who have the key of the run: whoever shows it is connected with the server at the Unix socket,
 * which nobody else can connect to. All others wait at the gate, where there is room for some, and for a moment. It ends with this process.
 * @throws SendenseError `ports.taken`, `nbd.failed`
 */
export async function openGate(place: GatePlace): Promise<void> {
  open.add(place.socket);
  const error = await tell({ id: ++lastId, open: place });
  if (error === null) return;
  await closeGate(place.socket);
  if (error.code === 'EADDRINUSE')
    throw new SendenseError('ports.taken', `port ${place.port} was taken by another program: ${error.message}`);
  throw new SendenseError('nbd.failed', `port ${place.port} of ${place.address} cannot be opened: ${error.message}`);
}

/** The gate of the server at that socket; nothing where there is none. */
export async function closeGate(socket: string): Promise<void> {
  if (!open.delete(socket)) return;
  await tell({ id: ++lastId, close: socket });
  if (open.size > 0) return;
  thread?.end();
  thread = null;
}

const tell = (order: GateOrder): Promise<GateAnswer['error']> => (thread ??= startThread()).ask(order);

function startThread(): Thread {
  const worker = new Worker(startFile('host/nbd/gate/gate-thread'));
  const waiting = new Map<number, (error: GateAnswer['error']) => void>();
  let gone: GateAnswer['error'] = null;
  const over = (message: string): void => {
    gone ??= { code: '', message };
    for (const resolve of waiting.values()) resolve(gone);
    waiting.clear();
    if (thread === own) thread = null;
  };
  worker.on('message', ({ id, error }: GateAnswer) => {
    waiting.get(id)?.(error);
    waiting.delete(id);
    // It keeps this process from ending only while somebody waits for it.
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', (error) => over(`the thread of the gates failed: ${String(error)}`));
  worker.on('exit', () => over('the thread of the gates ended'));
  const own: Thread = {
    ask(order) {
      const { promise, resolve } = Promise.withResolvers<GateAnswer['error']>();
      if (gone) return Promise.resolve(gone);
      waiting.set(order.id, resolve);
      worker.ref();
      worker.postMessage(order);
      return promise;
    },
    end: () => void worker.terminate(),
  };
  return own;
}
