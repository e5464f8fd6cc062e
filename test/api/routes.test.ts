import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { catalogue } from '../../src/errors/catalogue.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { authorized, dial } from '../node/http-node.ts';
import { raw } from '../node/raw-request.ts';
import { token, until } from '../node/support.ts';
import { codes, serveSmall, streamedBytes } from './small-api.ts';

const isError = validatorOf('api/error.json');
const sha256 = 'a'.repeat(64);
const must = { 'x-must': 'yes' };

test('a handler gets its parameters, query and headers, decoded', async () => {
  await using api = await serveSmall();
  const { status, headers, body } = await raw(api, 'GET', `/things/${sha256}?disk=0&note=a%20b`, '', must);
  expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('application/json')]);
  expect(body).toEqual({ params: { sha256 }, query: { disk: '0', note: 'a b' }, must: 'yes', peer: '127.0.0.1' });
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test.each(['length', 'trailer'])(
  'a stream that fails before its first byte is an error, and nothing of the stream is said: %s',
  async (form) => {
    await using api = await serveSmall();
    const { status, headers, body } = await raw(api, 'GET', `/unstreamed?form=${form}`);
    expect(status).toBe(500);
    expect(body).toMatchObject({ error: { code: 'files.reader', message: 'as was asked' } });
    const names = Object.keys(headers);
    for (const name of ['etag', 'content-range', 'content-disposition', 'trailer']) expect(names).not.toContain(name);
  },
);

test('what a route does not allow is refused before its handler, with the field', async () => {
  await using api = await serveSmall();
  const cases: [method: string, path: string, body: string, headers: Record<string, string>, string | null][] = [
    ['GET', '/things/..%2f..?disk=0', '', must, 'sha256'],
    ['GET', `/things/${sha256}`, '', must, 'disk'],
    ['GET', `/things/${sha256}?disk=`, '', must, 'disk'],
    ['GET', `/things/${sha256}?disk=..%2f`, '', must, 'disk'],
    ['GET', `/things/${sha256}?disk=0&disk=1`, '', must, 'disk'],
    ['GET', `/things/${sha256}?disk=0`, '', {}, 'x-must'],
    ['GET', `/things/${sha256}?disk=0&nots=a`, '', must, 'nots'],
    ['GET', `/things/${sha256}?disk=0&__proto__=a`, '', must, '__proto__'],
    ['GET', `/things/${sha256}?disk=0&%3Cb%3E=canary`, '', must, 'the query'],
    ['POST', '/check', '{', {}, null],
    ['POST', '/check', '', {}, null],
    ['POST', '/check', '[]', {}, ''],
    ['POST', '/check', '{"surprise":1}', {}, '/surprise'],
    ['POST', '/check', '{"dry_run":"canary"}', {}, '/dry_run'],
  ];
  for (const [method, path, body, headers, field] of cases) {
    const answer = await raw(api, method, path, body, headers);
    expect([answer.status, answer.body.field], `${method} ${path} ${body}`).toEqual([400, field]);
    expect(answer.body.error.code).toBe('request.invalid');
    expect(isError(answer.body)).toBe(true);
    expect(JSON.stringify(answer.body)).not.toContain('canary');
  }
  for (const path of ['/none', '/check', '/things', '/things/a/b', `/${'x'.repeat(5000)}`])
    expect((await raw(api, 'GET', path)).body.error.message).toContain('the small API has no GET');
});

test('what is wrong is said in words that name the way out', async () => {
  await using api = await serveSmall();
  for (const [body, type, told, way] of [
    ['{"surprise":1}', 'application/json', '/surprise is none of the fields that there are', 'field'],
    ['{"dry_run":1}', 'application/json', '/dry_run must be boolean', 'field'],
    [`{"job_id":"${'x'.repeat(3000)}"}`, 'application/json', 'too large', 'how long the body'],
    ['a', 'text/plain', 'Unsupported', '`application/json`'],
  ] as const) {
    const { error } = (await raw(api, 'POST', '/check', body, { 'content-type': type })).body;
    expect([error.message, error.remedy]).toEqual([expect.stringContaining(told), expect.stringContaining(way)]);
  }
});

test('a body gets its defaults; a type that no route takes is 415', async () => {
  await using api = await serveSmall();
  const said = await raw<object>(api, 'POST', '/check', '{"job_id":"j1"}');
  expect([said.status, said.body]).toEqual([201, expect.objectContaining({ job_id: 'j1', dry_run: false })]);
  for (const type of ['text/plain', 'application/xml', 'application/octet-stream'])
    expect((await raw(api, 'POST', '/check', 'a', { 'content-type': type })).status, type).toBe(415);
  expect((await raw(api, 'PUT', '/bytes', '{}', { 'content-type': 'application/json' })).status).toBe(415);
});

test('a body that nobody reads is refused, for whoever sends it wants something by it', async () => {
  await using api = await serveSmall();
  for (const [body, status] of [
    ['', 204],
    ['{}', 204],
    ['{"dry_run":true}', 400],
    ['[]', 400],
    ['"x"', 400],
  ] as const) {
    const answer = await raw(
      api,
      'DELETE',
      '/nothing',
      body,
      body === '' ? {} : { 'content-type': 'application/json' },
    );
    expect(answer.status, body).toBe(status);
    if (status === 400) expect(answer.body.error.message).toBe('this request takes no body');
  }
});

test('every error has the one shape, and the status that the catalogue has for it', async () => {
  await using api = await serveSmall();
  for (const code of codes) {
    const { status, body } = await raw(api, 'POST', `/fails/${code}`, '{}');
    expect([status, body.error.code, body.field], code).toEqual([catalogue[code].http, code, '/x']);
    expect(isError(body)).toBe(true);
  }
  const broken = await raw(api, 'GET', '/breaks');
  expect([broken.status, broken.body.error.code]).toEqual([500, 'run.internal']);
});

test('bytes stream in and out, and nothing is answered with nothing', async () => {
  await using api = await serveSmall();
  const bytes = Buffer.alloc(streamedBytes, 1);
  const up = await raw<object>(api, 'PUT', '/bytes', bytes, { 'content-type': 'application/octet-stream' });
  expect([up.status, up.body]).toEqual([200, { bytes: streamedBytes }]);
  const down = await fetch(`${api.running.url}/bytes`, { headers: { authorization: `Bearer ${token}` } });
  expect(down.headers.get('content-type')).toBe('application/octet-stream');
  expect((await down.arrayBuffer()).byteLength).toBe(streamedBytes);
  const asked = { method: 'DELETE', headers: { authorization: `Bearer ${token}` } };
  const empty = await fetch(`${api.running.url}/nothing`, asked);
  expect([empty.status, await empty.text()]).toEqual([204, '']);
  const last = await raw(api, 'DELETE', '/nothing', '', { 'x-last': 'yes' });
  expect([last.status, last.body]).toEqual([200, { job_id: 'j1' }]);
});

test('the signal of a call aborts when its caller goes away, and not before', async () => {
  await using api = await serveSmall();
  const socket = dial(api.port);
  socket.write(`GET /waits HTTP/1.1\r\nhost: x\r\n${authorized}\r\n`);
  await api.came;
  expect(api.parts.gone).toEqual([]);
  socket.destroy();
  await until(() => api.parts.gone.length === 1, 'the handler heard of it');
});

test('HEAD is answered where the API says so', async () => {
  await using without = await serveSmall();
  await using api = await serveSmall({ head: true });
  const asked = { method: 'HEAD', headers: { authorization: `Bearer ${token}` } };
  const refused = await fetch(`${without.running.url}/bytes`, asked);
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, PUT']);
  const { status, headers } = await fetch(`${api.running.url}/bytes`, asked);
  expect([status, headers.get('content-length')]).toEqual([200, String(streamedBytes)]);
});

test('a connection goes on with the next request', async () => {
  await using api = await serveSmall();
  const socket = dial(api.port);
  const said = buffer(socket);
  const request = `GET /none HTTP/1.1\r\nhost: x\r\n${authorized}`;
  socket.write(`${request}\r\n${request}connection: close\r\n\r\n`);
  await once(socket, 'end');
  expect((await said).toString().match(/HTTP\/1\.1 404/g)).toHaveLength(2);
});
