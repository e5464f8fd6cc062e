import { connect, type Socket } from 'node:net';

/** ms until a service of this machine counts as gone. */
const timeoutMs = 10_000;

/** Each direction of it ends by itself. Rejects with the error of the system. */
export async function connectLoopback(host: string, port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer for ${timeoutMs / 1000} s`)));
  socket.once('connect', resolve);
  socket.once('error', reject);
  await promise;
  socket.off('error', reject);
  socket.setTimeout(0);
  return socket;
}
