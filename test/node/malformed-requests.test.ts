import { expect, test } from 'vitest';
import { authorized, dial, healthy, httpNode, isError, parsed, say } from './http-node.ts';
import { raw } from './raw-request.ts';
import { token, workshop } from './support.ts';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import { closed } from '../support/closed.ts';
import { printedRandom, randomBytes } from '../support/random.ts';

test('nothing is told without the token: unknown paths, other methods and paths that cannot be read are 401', async () => {
  await using at = await workshop();
  await using node = await httpNode(at);
  const paths = [
    '/',
    '/metrics',
    '/api/v1/openapi.json',
    '/%',
    '/api/v1/status/%zz',
    `/${'x'.repeat(9000)}`,
    '//',
    '/../..',
  ];
  for (const path of [...paths, `/api/v1/vms/${'x'.repeat(5000)}/cbt-status`]) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND']) {
      const head = `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
      const answer = await say(node.port, head);
      if (method === 'HEAD') expect(answer).toMatch(/^HTTP\/1\.1 (401|429) /);
      else expect([401, 429]).toContain(parsed(answer).status);
    }
  }
  for (const path of paths) {
    if (['/metrics', '/api/v1/openapi.json'].includes(path)) continue;
    const answer = parsed(
      await say(node.port, `GET ${path} HTTP/1.1\r\nhost: x\r\n${authorized}connection: close\r\n\r\n`),
    );
    expect([path, [400, 404, 414].includes(answer.status)]).toEqual([path, true]);
    expect(isError(answer.body)).toBe(true);
    expect(answer.head).toContain('x-request-id');
  }
});

test('what is not HTTP is answered in the one shape, ends the connection and never the node', async () => {
  await using at = await workshop();
  await using node = await httpNode(at);
  const post = (headers: string, body: string): string =>
    `POST /api/v1/discover HTTP/1.1\r\nhost: x\r\n${authorized}content-type: application/json\r\n${headers}\r\n${body}`;
  const cases: [what: string | Buffer, status: number][] = [
    ['nonsense\r\n\r\n', 400],
    [Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nx: '), Buffer.alloc(64, 0), Buffer.from('\r\n\r\n')]), 400],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, 431],
    [`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}\r\n`, 431],
    [post('transfer-encoding: chunked\r\n', 'zz\r\nhello\r\n0\r\n\r\n'), 400],
    [post('transfer-encoding: chunked\r\n', 'ffffffffffffffffff\r\n'), 400],
    [post('content-length: -1\r\n', '{}'), 400],
    [post('content-length: 5\r\ncontent-length: 2\r\n', '{}'), 400],
    [post('transfer-encoding: chunked\r\ncontent-length: 2\r\n', '{}'), 400],
    [post('content-length: 2000000000\r\n', '{}'), 413],
    [post('content-length: 24\r\nconnection: close\r\n', '{"__proto__":{"admin":1}}'.slice(0, 24)), 400],
    [post(`content-length: 500000\r\nconnection: close\r\n`, '['.repeat(500_000)), 400],
    [post('content-encoding: gzip\r\ncontent-length: 2\r\nconnection: close\r\n', '{}'), 400],
  ];
  for (const [what, status] of cases) {
    const answer = parsed(await say(node.port, what));
    expect([what.toString('latin1').slice(0, 160), answer.status]).toEqual([
      what.toString('latin1').slice(0, 160),
      status,
    ]);
    expect(isError(answer.body)).toBe(true);
    expect(answer.head).toMatch(/x-request-id: \S+/i);
  }
  expect(node.lines.some(({ status, level }) => status === 431 && level === 40)).toBe(true);
  await expect(healthy(node)).resolves.toMatchObject({ status: 'ok' });
});

test('a proof of the token that is not finished, or wrong, ends the connection, says nothing and is in the log', async () => {
  await using at = await workshop();
  await using node = await httpNode(at, { headersMs: 300 });
  expect(await say(node.port, Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))).toBe('');
  await expect(nodeClient({ url: node.running.url, token: 'another' }).health()).rejects.toMatchObject({
    code: 'node.refused',
  });
  expect(node.lines.filter(({ msg }) => msg === 'no proof of the token')).toHaveLength(2);
  await expect(healthy(node)).resolves.toMatchObject({ status: 'ok' });
});

test(
  'bytes at random, and requests that are cut and twisted at random, never end the node',
  { timeout: 300_000 },
  async () => {
    await using at = await workshop();
    await using node = await httpNode(at);
    const good = Buffer.from(
      `POST /api/v1/backup/start HTTP/1.1\r\nhost: x\r\n${authorized}content-type: application/json\r\ncontent-length: 15\r\n\r\n{"job_id":"jo"}`,
    );
    const numbers = printedRandom('twisted requests');
    const twisted = (): Buffer => {
      const copy = Buffer.from(good);
      for (let change = 0; change < 4; change++) copy[numbers.int(0, copy.length)] = numbers.int(0, 256);
      return copy.subarray(0, numbers.int(1, copy.length + 1));
    };
    for (let turn = 0; turn < 20; turn++) {
      const what = [
        numbers.bytes(1 + ((turn * 997) % 9000)),
        twisted(),
        twisted(),
        twisted(),
        Buffer.concat([good, twisted()]),
      ];
      await Promise.all(
        what.map(async (bytes) => {
          const socket = dial(node.port).resume();
          socket.end(bytes);
          await closed(socket);
        }),
      );
    }
    await expect(healthy(node)).resolves.toMatchObject({ status: 'ok', jobs_running: 0 });
    expect(JSON.stringify(node.lines)).not.toContain(token);
    expect(node.lines.filter(({ level }) => level >= 50)).toEqual([]);
  },
);

test('an answer that comes before the body was read reaches the caller', async () => {
  await using at = await workshop();
  await using node = await httpNode(at);
  const body = randomBytes(24 * 1024 * 1024);
  const stream = { 'content-type': 'application/octet-stream' };
  for (const [path, headers, status] of [
    ['/api/v1/indexes/short', stream, 400],
    [`/api/v1/indexes/${'a'.repeat(64)}`, { ...stream, authorization: 'Bearer wrong' }, 401],
    ['/nothing', stream, 404],
  ] as const) {
    const answer = await raw(node, 'PUT', path, body, headers);
    expect([answer.status, isError(answer.body)]).toEqual([status, true]);
  }
  const json = { 'content-type': 'application/json' };
  expect((await raw(node, 'POST', '/api/v1/backup/start', body, json)).status).toBe(413);
  expect((await raw(node, 'PUT', `/api/v1/indexes/${'a'.repeat(64)}`, '{}', json)).status).toBe(415);
  expect((await raw(node, 'POST', '/api/v1/discover', '{}', stream)).status).toBe(415);
});
