import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { ApiFigures } from '../../src/api/figures.ts';
import { createApi } from '../../src/api/create-api.ts';
import { defaultLimits, type ApiLimits } from '../../src/api/limits.ts';
import { limit, number, numberOf } from '../../src/api/numbers.ts';
import { oneTimeTickets, type OneTimeTickets } from '../../src/api/one-time.ts';
import type { Api, Route } from '../../src/api/route.ts';
import { word, wordOf, words, wordsOf } from '../../src/api/words.ts';
import { catalogue, type ErrorCode } from '../../src/errors/catalogue.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import type { CleanupRequest } from '../../src/schemas/types.ts';
import { token } from '../node/support.ts';

/** What the routes of the small API act with. */
export interface Parts {
  /** Why callers of `waits` went away. */
  readonly gone: unknown[];
  /** Says that a caller of `waits` is here. */
  came(): void;
}

const defineRoute = <Body = undefined>(route: Route<Parts, Body>): Route<Parts, Body> => route;
export const codes = Object.keys(catalogue) as ErrorCode[];
function notRead(this: Readable): void {
  this.destroy(new SendenseError('files.reader', 'as was asked'));
}

export const streamedBytes = 3 * 1024 * 1024;

/** One route of each sort, and nothing of nodes and hubs. */
export const smallApi: Api<Parts> = {
  name: 'the small API',
  title: 'Small',
  summary: 'For tests.',
  server: { url: 'http://127.0.0.1:1', description: 'Nowhere.' },
  token: 'Where the tests have it.',
  tags: { things: 'What there is.' },
  routes: [
    defineRoute({
      id: 'thing',
      method: 'GET',
      path: '/things/{sha256}',
      tag: 'things',
      summary: 'Says what it was asked',
      params: { sha256: { description: 'Which.', schema: 'domain.json#/$defs/sha256', logAs: 'thing' } },
      query: {
        disk: { description: 'Of which disk.', schema: 'domain.json#/$defs/diskKey', required: true, logAs: 'disk' },
        note: { description: 'Any text.' },
      },
      headers: { 'x-must': { description: 'Must be there.', required: true } },
      answers: { 200: { description: 'What was asked.', type: 'application/json' } },
      errors: [],
      handle: async ({ params, query, header, peer }) => ({ params, query, must: header('x-must'), peer }),
    }),
    defineRoute({
      id: 'listed',
      method: 'GET',
      path: '/listed',
      tag: 'things',
      summary: 'Says which words and numbers it was asked',
      query: {
        kind: word('Of this kind.', ['one', 'other']),
        state: words('In one of these.', ['new', 'old']),
        limit: limit('Things', 10, 20),
        at: number('Where.', [-5, 5]),
      },
      answers: { 200: { description: 'What was asked.', type: 'application/json' } },
      errors: [],
      handle: async ({ query }) => ({
        kind: wordOf(query, 'kind', ['one', 'other']) ?? null,
        state: wordsOf(query, 'state', ['new', 'old']) ?? null,
        limit: numberOf(query, 'limit', 10),
        at: numberOf(query, 'at', null),
      }),
    }),
    defineRoute({
      id: 'asked',
      method: 'GET',
      path: '/asked',
      tag: 'things',
      summary: 'Says which host was asked',
      answers: { 200: { description: 'The host.', type: 'application/json' } },
      errors: [],
      handle: async ({ host }) => ({ host }),
    }),
    defineRoute({
      id: 'slow',
      method: 'GET',
      path: '/slow',
      tag: 'things',
      summary: 'Answers after a while',
      answers: { 200: { description: 'Nothing much.', type: 'application/json' } },
      errors: [],
      async handle() {
        await delay(100);
        return {};
      },
    }),
    defineRoute<CleanupRequest>({
      id: 'check',
      method: 'POST',
      path: '/check',
      tag: 'things',
      summary: 'Says its body, with the defaults',
      body: { schema: 'node/cleanup.json', bytes: 2048 },
      answers: { 201: { description: 'The body.', schema: 'node/cleanup.json' } },
      errors: [],
      logOf: ({ job_id: job }): Record<string, string> => (job ? { job } : {}),
      handle: async ({ body }) => body,
    }),
    defineRoute<Readable>({
      id: 'up',
      method: 'PUT',
      path: '/bytes',
      tag: 'things',
      summary: 'Counts bytes',
      body: { stream: 'Any.' },
      answers: { 200: { description: 'How many.', type: 'application/json' } },
      errors: ['disk.full'],
      handle: async ({ body }) => ({ bytes: (await buffer(body)).length }),
    }),
    defineRoute({
      id: 'down',
      method: 'GET',
      path: '/bytes',
      tag: 'things',
      summary: 'Many bytes',
      answers: { 200: { description: 'Zeros.', type: 'application/octet-stream' } },
      errors: [],
      quiet: true,
      handle: async ({ answer }) => {
        answer.header('content-length', streamedBytes);
        return Readable.from(zeros());
      },
    }),
    defineRoute({
      id: 'unstreamed',
      method: 'GET',
      path: '/unstreamed',
      tag: 'things',
      summary: 'A stream that fails before its first byte',
      query: { form: { description: 'What is said of it before.' } },
      answers: { 206: { description: 'Never.', type: 'application/octet-stream' } },
      errors: ['files.reader'],
      handle: async ({ answer, query }) => {
        if (query['form'] === 'trailer') answer.trailer('x-left-out', () => 'nothing');
        else answer.header('content-length', streamedBytes);
        for (const name of ['etag', 'content-range', 'content-disposition']) answer.header(name, 'of the stream');
        return new Readable({ read: notRead });
      },
    }),
    defineRoute({
      id: 'fails',
      method: 'POST',
      path: '/fails/{code}',
      tag: 'things',
      summary: 'Fails',
      params: { code: { description: 'With what.' } },
      answers: { 204: { description: 'Never.' } },
      errors: codes,
      handle: ({ params }) =>
        Promise.reject(new SendenseError(params['code'] as ErrorCode, 'as was asked', { details: { field: '/x' } })),
    }),
    defineRoute({
      id: 'breaks',
      method: 'GET',
      path: '/breaks',
      tag: 'things',
      summary: 'Throws what is no error of ours',
      answers: { 204: { description: 'Never.' } },
      errors: [],
      handle: () => Promise.reject(new TypeError('x is not a function')),
    }),
    defineRoute({
      id: 'waits',
      method: 'GET',
      path: '/waits',
      tag: 'things',
      summary: 'Waits until its caller has gone',
      answers: { 204: { description: 'Never.' } },
      errors: [],
      handle: async ({ signal, parts }) => {
        parts.came();
        await delay(60_000, undefined, { signal }).catch(() => parts.gone.push(signal.reason));
        return undefined;
      },
    }),
    defineRoute({
      id: 'empty',
      method: 'DELETE',
      path: '/nothing',
      tag: 'things',
      summary: 'Answers nothing, or what it took',
      headers: { 'x-last': { description: 'Answer the last of it.' } },
      answers: {
        204: { description: 'Gone.' },
        200: { description: 'What it was.', schema: 'node/cleanup.json' },
      },
      errors: [],
      handle: async ({ header, answer }) => {
        if (header('x-last') !== null) return { job_id: 'j1' };
        answer.status(204);
        return undefined;
      },
    }),
    defineRoute({
      id: 'onlyTicket',
      method: 'GET',
      path: '/ticket',
      tag: 'things',
      summary: 'For a ticket',
      credentials: ['one-time'],
      answers: { 200: { description: 'Text.', type: 'text/plain' } },
      errors: [],
      handle: async () => 'let in',
    }),
    defineRoute({
      id: 'either',
      method: 'GET',
      path: '/either',
      tag: 'things',
      summary: 'For the token or a ticket',
      credentials: ['token', 'one-time'],
      answers: { 200: { description: 'Text.', type: 'text/plain' } },
      errors: [],
      handle: async () => 'let in',
    }),
  ] as readonly Route<Parts>[],
};

function* zeros(): Generator<Buffer> {
  for (let sent = 0; sent < streamedBytes; sent += 65_536) yield Buffer.alloc(65_536);
}

export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface SmallServer extends AsyncDisposable {
  /** As {@link import('../node/raw-request.ts').raw} wants it. */
  readonly running: { readonly url: string };
  readonly port: number;
  readonly parts: Parts;
  /** Resolves when somebody calls `waits`. */
  readonly came: Promise<void>;
  readonly tickets: OneTimeTickets;
  readonly lines: Line[];
  readonly counted: { requests: Parameters<ApiFigures['request']>[0][]; errors: ErrorCode[]; refused: number };
}

export interface SmallOptions {
  readonly limits?: Partial<ApiLimits>;
  readonly head?: boolean;
  readonly proof?: boolean;
}

/** The small API on a port of its own. */
export async function serveSmall({ limits, ...more }: SmallOptions = {}): Promise<SmallServer> {
  const lines: Line[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const counted: SmallServer['counted'] = { requests: [], errors: [], refused: 0 };
  const { promise: came, resolve } = Promise.withResolvers<void>();
  const parts: Parts = { gone: [], came: resolve };
  const tickets = oneTimeTickets({ validMs: 60_000, most: 3 });
  const app = await createApi(smallApi, {
    parts,
    token,
    limits: { ...defaultLimits, ...limits },
    logger,
    oneTime: tickets,
    tokenRemedy: 'Look for it in the tests.',
    onRefused: () => void counted.refused++,
    figures: {
      request: (answer) => void counted.requests.push(answer),
      error: (code) => void counted.errors.push(code),
    },
    ...more,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    running: { url },
    port: Number(new URL(url).port),
    parts,
    came,
    tickets,
    lines,
    counted,
    [Symbol.asyncDispose]: () => app.close(),
  };
}
