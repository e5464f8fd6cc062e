import { Agent, request } from 'node:http';

export interface Answered {
  readonly status: number;
  /** As they came over the line. */
  readonly bytes: number;
  /** From the first byte that was sent to the last that came, ms. */
  readonly ms: number;
  readonly text: string;
}

/** Asks a hub, over connections that stay open. */
export interface Asker extends Disposable {
  get(path: string): Promise<Answered>;
}

/** @param connections at once */
export function asker(url: string, token: string, connections: number): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = { authorization: `Bearer ${token}` };
  return {
    get: (path) =>
      new Promise((resolve, reject) => {
        const begun = performance.now();
        request(`${url}${path}`, { agent, headers }, (answer) => {
          const pieces: Buffer[] = [];
          answer.on('data', (piece: Buffer) => pieces.push(piece));
          answer.on('error', reject);
          answer.on('end', () => {
            const body = Buffer.concat(pieces);
            const ms = performance.now() - begun;
            resolve({ status: answer.statusCode ?? 0, bytes: body.length, ms, text: body.toString() });
          });
        })
          .on('error', reject)
          .end();
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
