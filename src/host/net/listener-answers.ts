import { connect } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';

/**
 * Whether a program takes a connection and does something with it: it says something, or hangs up. Hanging up is an answer: a server that
 * refuses the address it sees lives.
 * @param say what is sent first, for protocols in which the client begins
 * @throws SendenseError `hub.address`
 */
export async function listenerAnswers(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
  say = '',
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (why: string): void =>
    reject(new SendenseError('hub.address', `nothing answers at ${host}:${port}: ${why}`));
  let connected = false;
  const socket = connect(port, host, () => {
    connected = true;
    socket.write(say);
  });
  const onAbort = (): void => failed('it takes too long');
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('data', () => resolve()).once('close', () => (connected ? resolve() : failed('it is closed')));
  socket.once('error', (error) => (connected ? resolve() : failed(error.message)));
  try {
    signal.throwIfAborted();
    await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}
