/**
 * Many connections at once: `load-child.ts sink read|stall PORT…` listens on these ports of all addresses, and reads what
 * comes or leaves it; `load-child.ts source SECONDS PORT…` writes to each as fast as it is taken, and prints the bytes.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const [what = '', how = '', ...ports] = process.argv.slice(2);
const host = '127.0.0.1';

async function sink(): Promise<void> {
  for (const port of ports) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (how === 'read') socket.resume();
    });
    server.listen(Number(port), '0.0.0.0');
    await once(server, 'listening');
  }
  console.log('ready');
  process.stdin.resume().on('end', () => process.exit(0));
}

async function source(): Promise<void> {
  const data = Buffer.alloc(256 * 1024, 0xa5);
  let written = 0;
  for (const port of ports) {
    const socket = connect(Number(port), host);
    socket.on('error', () => {});
    const more = (): void => {
      while (socket.write(data)) written += data.length;
      written += data.length;
    };
    socket.on('connect', more).on('drain', more);
  }
  await delay(Number(how) * 1000);
  console.log(written);
  process.exit(0);
}

await (what === 'sink' ? sink() : source());
