/** A proxy between browser and hub that can do what proxies do to pages. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Keeps each answer until it has all of it, as a proxy with a large buffer. */
  buffers: boolean;
  /** Nothing goes through any more, and no connection is closed; and all that was held goes on. */
  stall(): void;
  flow(): void;
}

/** @param to address of the hub */
export async function startProxy(to: string): Promise<Proxy> {
  let flows = Promise.resolve();
  let open = (): void => {};
  const server = createServer((asked, answer) => void pass(asked, answer));

  async function pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    await flows;
    const { method, url, headers } = asked;
    const passed = request(new URL(url ?? '/', to), { method, headers });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    passed.on('response', (got) => void hand(got, answer).catch(() => answer.destroy()));
    asked.pipe(passed);
  }

  async function hand(got: IncomingMessage, answer: ServerResponse): Promise<void> {
    const held: Buffer[] = [];
    const holds = at.buffers;
    if (!holds) answer.writeHead(got.statusCode ?? 502, got.headers).flushHeaders();
    for await (const piece of got) {
      await flows;
      if (holds) held.push(piece as Buffer);
      else answer.write(piece);
    }
    if (holds) answer.writeHead(got.statusCode ?? 502, got.headers).write(Buffer.concat(held));
    answer.end();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    buffers: false,
    stall: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      [flows, open] = [promise, resolve];
    },
    flow: () => open(),
    async [Symbol.asyncDispose]() {
      open();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return at;
}
