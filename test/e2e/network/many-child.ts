/**
 * A process of `many.test.ts`: `answer FROM TO ADDRESS` listens on the ports of a loopback address and sends back what comes; `ask FROM TO`
 * connects to each at 127.0.0.1, and once all are connected sends a MiB through each, and says how many came back as they were.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { randomBytes } from '../../support/random.ts';

const [role, from, to, address] = process.argv.slice(2);
const ports = Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);

async function answer(): Promise<void> {
  for (const port of ports) {
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => {}).pipe(socket));
    server.listen(port, address);
    await once(server, 'listening');
  }
  console.log('listening');
}

/** Connected all the way: a first byte has come back. */
async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  socket.write('a');
  await once(socket, 'readable');
  if (socket.read(1) === null) throw new Error(`port ${port} does not answer`);
  return socket;
}

async function ask(): Promise<void> {
  const sockets = await Promise.all(ports.map(open));
  const openAtOnce = sockets.filter((socket) => !socket.destroyed).length;
  const equal = await Promise.all(
    sockets.map(async (socket) => {
      const bytes = randomBytes(1024 * 1024);
      socket.end(bytes);
      return (await buffer(socket)).equals(bytes);
    }),
  );
  console.log(JSON.stringify({ open_at_once: openAtOnce, equal: equal.filter(Boolean).length }));
}

await (role === 'answer' ? answer() : ask());
