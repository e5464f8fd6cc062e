import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
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

/** The same for one that speaks TLS: it shakes hands. Nothing is sent to it that anybody may not know. @throws SendenseError `hub.address` */
export async function tlsListenerAnswers(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (why: string): void =>
    reject(new SendenseError('hub.address', `nothing answers at ${host}:${port}: ${why}`));
  // Whose certificate it is does not matter.
  const socket = connectTls({ host, port, rejectUnauthorized: false }, () => resolve());
  const onAbort = (): void => failed('it takes too long');
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('error', (error) => failed(error.message)).once('close', () => failed('it is closed'));
  try {
    signal.throwIfAborted();
    await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}
