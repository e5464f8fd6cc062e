import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ApiError } from '../../src/schemas/types.ts';
import { token } from './support.ts';

export interface Answer<T = ApiError> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed where it is JSON. */
  readonly body: T;
}

/** A request as no client of ours would make it. */
export async function raw<T = ApiError>(
  node: { readonly running: { readonly url: string } },
  method: string,
  path: string,
  body: string | Buffer = '',
  headers: Record<string, string | undefined> = {},
): Promise<Answer<T>> {
  const { url } = node.running;
  const where = url.startsWith('unix:')
    ? { socketPath: url.slice('unix:'.length) }
    : { host: new URL(url).hostname, port: new URL(url).port };
  const request = httpRequest({
    ...where,
    method,
    path,
    agent: false,
    headers: given({
      'authorization': `Bearer ${token}`,
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      'content-length': Buffer.byteLength(body),
      ...headers,
    }),
  });
  // An answer may come before all was sent, and the connection end then.
  request.on('error', () => {});
  request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const content = await text(answer);
  const isJson = answer.headers['content-type']?.startsWith('application/json');
  const parsed = (isJson && content !== '' ? JSON.parse(content) : content || null) as T;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: parsed };
}

/** Without those that are left out. */
const given = (headers: Record<string, string | number | undefined>): Record<string, string | number> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** What a route answers, which must be well. */
export async function ask<T>(
  node: { readonly running: { readonly url: string } },
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const answer = await raw<T>(node, method, path, body === undefined ? '' : JSON.stringify(body));
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
