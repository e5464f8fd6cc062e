import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { ApiError } from '../../src/schemas/types.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { authorized, dial, parsed, say } from '../node/http-node.ts';
import { raw } from '../node/raw-request.ts';
import { until } from '../node/support.ts';
import { serveSmall } from './small-api.ts';

const isError = validatorOf('api/error.json');
const post = `POST /check HTTP/1.1\r\nhost: x\r\n${authorized}content-type: application/json\r\n`;

test('a body has the bytes that its route says at most, and of other routes those of the API', async () => {
  await using api = await serveSmall({ limits: { bodyBytes: 100 } });
  const most = 2048 - '{"job_id":""}'.length;
  expect((await raw(api, 'POST', '/check', `{"job_id":"${'x'.repeat(most)}"}`)).status).toBe(400);
  const over = await raw(api, 'POST', '/check', `{"job_id":"${'x'.repeat(most + 1)}"}`);
  expect([over.status, isError(over.body)]).toEqual([413, true]);
  expect((await raw(api, 'POST', '/fails/run.internal', `"${'x'.repeat(100)}"`)).status).toBe(413);
});

test('a head or a body that comes too slowly is 408, in the one shape', async () => {
  await using api = await serveSmall({ limits: { headersMs: 300, bodyMs: 100, uploadSilenceMs: 100 } });
  const put = `PUT /bytes HTTP/1.1\r\nhost: x\r\n${authorized}content-type: application/octet-stream\r\n`;
  for (const part of [`${post}x`, `${post}content-length: 9\r\n\r\n{`, `${put}content-length: 9\r\n\r\nx`]) {
    const { status, body, head } = parsed(await say(api.port, part));
    expect([status, isError(body)], part).toEqual([408, true]);
    expect(head).toContain('x-request-id: ');
  }
});

test('what is no HTTP, or has too much of a head, is answered in the one shape and counted as refused', async () => {
  await using api = await serveSmall({ limits: { headerBytes: 1024, refusedPerMinute: 2 } });
  for (const [said, status] of [
    ['nonsense\r\n\r\n', 400],
    [`${post}x: ${'y'.repeat(2000)}\r\n\r\n`, 431],
    ['GET', 400],
  ] as const) {
    const socket = dial(api.port);
    const answered = buffer(socket);
    socket.end(said);
    const answer = parsed((await answered).toString());
    expect([answer.status, isError(answer.body)]).toEqual([status, true]);
  }
  expect(api.lines.filter(({ level }) => level >= 40)).toHaveLength(2);
});

test('parts of HTTP that no route has a use for are answered in the one shape', async () => {
  await using api = await serveSmall();
  for (const [said, status, message] of [
    [`GET /bytes HTTP/1.1\r\n${authorized}\r\n`, 400, 'the request does not say its Host'],
    ['GET /bytes HTTP/1.1\r\n\r\n', 400, 'the request does not say its Host'],
    [`GET /bytes HTTP/1.1\r\nhost: x\r\nHost: y\r\n${authorized}\r\n`, 400, 'the request says several Hosts'],
    ['GET http://x/bytes HTTP/1.1\r\nhost: y\r\n\r\n', 401, 'the token is missing or wrong'],
    [`GET /bytes HTTP/1.1\r\nhost: x\r\n${authorized}expect: 200-ok\r\n\r\n`, 417, 'of Expect, 100-continue'],
    [`CONNECT h.example.com:80 HTTP/1.1\r\nhost: x\r\n${authorized}\r\n`, 405, 'this is no proxy'],
  ] as const) {
    const answer = parsed(await say(api.port, said.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')));
    expect([answer.status, isError(answer.body), (answer.body as ApiError).error.message], said).toEqual([
      status,
      true,
      expect.stringContaining(message),
    ]);
  }
});

test('who names no host is counted as what is no HTTP is', async () => {
  await using api = await serveSmall({ limits: { refusedPerMinute: 2 } });
  const statuses: number[] = [];
  for (let turn = 0; turn < 4; turn++)
    statuses.push(parsed(await say(api.port, `GET /asked HTTP/1.1\r\n${authorized}connection: close\r\n\r\n`)).status);
  expect(statuses).toEqual([400, 400, 429, 429]);
  expect(api.lines.filter(({ level }) => level >= 40)).toHaveLength(3);
});

test('a request may name us as a proxy would be asked, and the host that it names counts', async () => {
  await using api = await serveSmall();
  for (const target of [
    'http://hub.example.com/asked',
    'HTTP://hub.example.com:81/asked?',
    'https://hub.example.com/asked',
  ]) {
    const answer = parsed(
      await say(api.port, `GET ${target} HTTP/1.1\r\nhost: y\r\n${authorized}connection: close\r\n\r\n`),
    );
    expect([answer.status, answer.body]).toEqual([200, { host: /\/\/([^/]*)/.exec(target)?.[1] }]);
  }
});

test('what was asked before on a connection is answered before what is no request ends it', async () => {
  await using api = await serveSmall();
  for (const next of [
    'nonsense\r\n\r\n',
    'CONNECT h:1 HTTP/1.1\r\nhost: x\r\n\r\n',
    'GET /asked HTTP/1.1\r\nhost: x\r\nexpect: more\r\n\r\n',
  ]) {
    const said = await say(api.port, `GET /slow HTTP/1.1\r\nhost: x\r\n${authorized}\r\n${next}`);
    expect(
      [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      next,
    ).toEqual(['200', expect.stringMatching(/4../)]);
  }
});

test('who comes too often is told when to come again; who has no token first', async () => {
  await using api = await serveSmall({ limits: { requestsPerMinute: 3, refusedPerMinute: 2 } });
  const statuses: number[] = [];
  for (let turn = 0; turn < 4; turn++)
    statuses.push((await raw(api, 'GET', '/none', '', { authorization: 'Bearer wrong' })).status);
  for (let turn = 0; turn < 4; turn++) statuses.push((await raw(api, 'GET', '/none')).status);
  expect(statuses).toEqual([401, 401, 429, 429, 404, 404, 404, 429]);
  const { headers, body } = await raw(api, 'GET', '/none');
  expect([body.error.code, Number(headers['retry-after']) > 0]).toEqual(['node.limited', true]);
  expect(api.counted.refused).toBe(4);
});

test('connections beyond the limit are dropped, and one on which nothing moves ends where the API says so', async () => {
  await using api = await serveSmall({ limits: { connections: 2, silenceMs: 200 } });
  const held = [dial(api.port), dial(api.port)];
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  const third = dial(api.port).resume();
  await once(third, 'close');
  for (const socket of held) socket.resume();
  await Promise.all(held.map((socket) => once(socket, 'close')));
});

test('one caller takes a share of the connections, and who is let in no more keeps none', async () => {
  await using api = await serveSmall({ limits: { connectionsOfOne: 2 } });
  const ask = async (socket: ReturnType<typeof dial>, secret = authorized): Promise<string> => {
    const [said] = (await Promise.all([
      once(socket, 'data'),
      new Promise<void>((resolve) => socket.write(`GET /asked HTTP/1.1\r\nhost: x\r\n${secret}\r\n`, () => resolve())),
    ])) as [[Buffer], void];
    return said.toString();
  };
  const [first, second, third] = [dial(api.port), dial(api.port), dial(api.port)];
  expect(await ask(first)).toContain('HTTP/1.1 200');
  expect(await ask(second)).toContain('HTTP/1.1 200');
  const refused = await ask(third);
  expect(refused).toMatch(/^HTTP\/1\.1 429[^]*connection: close/);
  expect(refused).toContain('2 connections of yours are open');
  expect(await ask(first)).toContain('HTTP/1.1 200');
  // Its token is not good any more.
  const closed = once(first.resume(), 'close');
  expect(await ask(first, 'authorization: Bearer wrong\r\n')).toMatch(/^HTTP\/1\.1 401[^]*connection: close/);
  await closed;
  const fourth = dial(api.port);
  expect(await ask(fourth)).toContain('HTTP/1.1 200');
  for (const socket of [second, fourth]) socket.destroy();
});

test('each answer is counted, and has one line with what its route says', async () => {
  await using api = await serveSmall();
  const sha256 = 'b'.repeat(64);
  await raw(api, 'GET', `/things/${sha256}?disk=0&note=canary`, '', { 'x-must': 'canary' });
  await raw(api, 'POST', '/check', '{"job_id":"j7"}');
  await raw(api, 'GET', '/bytes');
  await raw(api, 'GET', '/breaks');
  await raw(api, 'GET', '/none');
  const answers = (): typeof api.lines => api.lines.filter(({ msg }) => msg.startsWith('request'));
  await until(() => answers().length === 5, 'all lines');
  expect(answers()).toMatchObject([
    { level: 30, thing: sha256, disk: '0', status: 200, path: `/things/${sha256}`, peer: '127.0.0.1' },
    { level: 30, job: 'j7', status: 201 },
    { level: 20, path: '/bytes', status: 200 },
    { level: 50, status: 500, code: 'run.internal' },
    { level: 40, status: 404, code: 'request.invalid' },
  ]);
  expect(JSON.stringify(api.lines)).not.toContain('canary');
  expect(api.counted.requests.map(({ method, route, status }) => [method, route, status])).toEqual([
    ['GET', '/things/{sha256}', 200],
    ['POST', '/check', 201],
    ['GET', '/bytes', 200],
    ['GET', '/breaks', 500],
    ['other', 'unknown', 404],
  ]);
  expect(api.counted.errors).toEqual(['run.internal', 'request.invalid']);
});
