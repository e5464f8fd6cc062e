import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A name in Linux' abstract namespace of sockets: it leaves no file, and is free the moment its owner ends, however that ends. */
const nameOf = (node: string, job: string): string =>
  `\0sendense-${process.getuid?.() ?? 0}-job-${createHash('sha256').update(`${node}\n${job}`).digest('hex').slice(0, 32)}`;

/** Tells other jobs of this node that this one lives and works with its snapshot. */
export async function holdJob(node: string, job: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ path: nameOf(node, job) });
  await once(server, 'listening');
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** Whether a job of this node lives. */
export async function isJobHeld(node: string, job: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path: nameOf(node, job) })
    .on('connect', () => resolve(true))
    .on('error', () => resolve(false));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
