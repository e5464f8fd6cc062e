import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** Asks the control endpoint: query parameters, a body, and the JSON of the answer. */
export type Control = (
  path: string,
  query?: Record<string, string | number | boolean>,
  body?: string | Uint8Array,
) => Promise<unknown>;

const limitMs = 60_000;

/** @param socketPath where it listens */
export function controlClient(socketPath: string): Control {
  return async (path, query = {}, body = '') => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
    const signal = AbortSignal.timeout(limitMs);
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly isGood: boolean; readonly said: string }>();
    request({ socketPath, method: 'POST', path: `${path}?${parameters.toString()}`, agent: false, signal })
      .on('response', (answer) => {
        text(answer).then((said) => resolve({ isGood: answer.statusCode === 200, said }), reject);
      })
      .on('error', reject)
      .end(body);
    const { isGood, said } = await promise;
    if (!isGood) throw new Error(`test vCenter, ${path}: ${said.trim()}`);
    return JSON.parse(said) as unknown;
  };
}
