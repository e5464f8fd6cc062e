import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Certificate } from './certificate.ts';
import { freePort } from './free-ports.ts';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpReceiver extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly requests: ReceivedRequest[];
  /** How it answers from now on; default: 200. */
  answer: (response: ServerResponse, request: ReceivedRequest) => void;
}

/** A real HTTP server that keeps what it gets. */
export async function httpReceiver(options: { certificate?: Certificate; port?: number } = {}): Promise<HttpReceiver> {
  const { certificate } = options;
  const port = options.port ?? (await freePort());
  const server = certificate ? createSecure({ key: certificate.key, cert: certificate.cert }) : createServer();
  const receiver: HttpReceiver = {
    port,
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests: [],
    answer: (response) => void response.end('ok'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.on('request', async (request, response) => {
    const body = await text(request).catch(() => '');
    const received = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    receiver.requests.push(received);
    receiver.answer(response, received);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return receiver;
}
