/**
 * A hub that has what a test says it has: it serves the page as the hub does, and answers the routes that the page asks. For screens that
 * a real hub shows only after days, and for hostile texts. What it answers is of the schemas' types.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { answerPage } from '../../src/hub/page/answer-page.ts';
import { readPageFiles } from '../../src/hub/page/page-files.ts';

/** Answers of the API by method and path, without the query: `GET /api/v1/status`. */
export type World = Readonly<Record<string, (query: URLSearchParams, body: unknown) => object>>;

export interface StandIn extends AsyncDisposable {
  readonly url: string;
  /** Every request to the API: `GET /api/v1/status?x=y`. */
  readonly asked: string[];
  /** Answers from now on, in place of those of the world. */
  readonly world: Record<string, (query: URLSearchParams, body: unknown) => object>;
  /** Whether somebody is logged in. */
  loggedIn: boolean;
  /** Breaks the connections and takes no new ones, as a hub that is stopped; and answers again. */
  silence(): void;
  speak(): void;
}

/** An answer that is an error. */
export const failure = (status: number, code: string, message: string, remedy: string): object =>
  Object.assign(new Error(message), {
    status,
    body: { error: { code, message, remedy, position: null }, field: null },
  });

/** An answer that is no JSON. */
export const bytesAnswer = (bytes: Buffer | string, headers: Readonly<Record<string, string>>): object =>
  new BytesAnswer(Buffer.from(bytes), headers);

class BytesAnswer {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  constructor(bytes: Buffer, headers: Readonly<Record<string, string>>) {
    this.bytes = bytes;
    this.headers = headers;
  }
}

/** @param folder with the built page; default: `dist/web` */
export async function standIn(
  world: World,
  options: { readonly folder?: string; readonly port?: number } = {},
): Promise<StandIn> {
  const files = readPageFiles(options.folder);
  let silent = false;
  const server = createServer((request, response) => {
    if (silent) return void request.socket.destroy();
    const page = answerPage(files, {
      method: request.method ?? '',
      url: request.url ?? '/',
      acceptEncoding: request.headers['accept-encoding'] ?? '',
      ifNoneMatch: request.headers['if-none-match'] ?? '',
    });
    if (page) return void response.writeHead(page.status, page.headers).end(page.body);
    void answer(at, request, response);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const at: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    world: { ...world },
    loggedIn: true,
    silence: () => {
      silent = true;
      server.closeAllConnections();
    },
    speak: () => (silent = false),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return at;
}

const refused = failure(401, 'access.login', 'nobody is logged in', 'Log in.');
const wrong = failure(
  401,
  'access.login',
  'the name or the password is wrong',
  'Try again; each failure takes longer.',
);

async function answer(at: StandIn, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', at.url);
  const name = `${request.method} ${url.pathname}`;
  at.asked.push(`${name}${url.search}`);
  const body = request.method === 'GET' ? undefined : await json(request).catch(() => undefined);
  const result = resultOf(at, { name, url, body });
  if (result instanceof Error) {
    const { status, body: text } = result as Error & { status: number; body: object };
    return void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(text));
  }
  if (result instanceof BytesAnswer) return void response.writeHead(200, { ...result.headers }).end(result.bytes);
  const text = JSON.stringify(result);
  const etag = `W/"${createHash('sha256').update(text).digest('base64url').slice(0, 12)}"`;
  const same = request.headers['if-none-match'] === etag;
  response.writeHead(same ? 304 : 200, { 'content-type': 'application/json', etag }).end(same ? '' : text);
}

const user = {
  user: 'anna',
  kind: 'local',
  vms: null,
  roles: ['admin'],
  rights: ['look', 'operate', 'browse', 'restore', 'keep', 'plan', 'administer', 'figures', 'self'],
  expires: 4_000_000_000_000,
};

function resultOf(
  at: StandIn,
  { name, url, body }: { readonly name: string; readonly url: URL; readonly body: unknown },
): object {
  if (name === 'POST /api/v1/session') {
    at.loggedIn = (body as { password?: string }).password === 'right';
    return at.loggedIn ? user : wrong;
  }
  if (name === 'GET /api/v1/session/ways') return { oidc: null };
  if (!at.loggedIn) return refused;
  if (name === 'GET /api/v1/session') return user;
  if (name === 'DELETE /api/v1/session') {
    at.loggedIn = false;
    return {};
  }
  const handle = at.world[name] ?? at.world[name.replace(/[^/]+$/, '*')];
  return handle?.(url.searchParams, body) ?? failure(404, 'request.invalid', `the hub has no ${name}`, '');
}
