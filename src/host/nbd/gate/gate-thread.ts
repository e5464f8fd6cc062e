import { parentPort } from 'node:worker_threads';
import type { GateAnswer, GateOrder } from './gate-messages.ts';
import { listenAtGate } from './listen.ts';
import { createWaitingRoom } from './waiting-room.ts';

/** The thread that has the gates of this process: the bytes of the disks never wait for what else it does. */
const room = createWaitingRoom({ most: 512, ms: 10_000 });
/** By the socket of the server behind it. */
const gates = new Map<string, AsyncDisposable>();

async function obey(order: GateOrder): Promise<void> {
  if ('open' in order) return void gates.set(order.open.socket, await listenAtGate(order.open, room));
  const gate = gates.get(order.close);
  gates.delete(order.close);
  await gate?.[Symbol.asyncDispose]();
}

parentPort?.on('message', (order: GateOrder) => {
  const answer = (error: GateAnswer['error']): void => parentPort?.postMessage({ id: order.id, error });
  obey(order).then(
    () => answer(null),
    (error: NodeJS.ErrnoException) => answer({ code: error.code ?? '', message: error.message }),
  );
});
