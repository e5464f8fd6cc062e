import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { authorized, dial, healthy, httpNode, isError, parsed } from './http-node.ts';
import { token, until, workshop } from './support.ts';

test('slow clients are cut off, and take no connection from others meanwhile', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using node = await httpNode(at, { headersMs: 400, bodyMs: 400, uploadSilenceMs: 400, idleMs: 400 });
  const upload = `PUT /api/v1/indexes/${'a'.repeat(64)} HTTP/1.1\r\nhost: x\r\n${authorized}content-type: application/octet-stream\r\ncontent-length: 5000\r\n\r\n`;
  const json = `POST /api/v1/discover HTTP/1.1\r\nhost: x\r\n${authorized}content-type: application/json\r\ncontent-length: 5000\r\n\r\n`;
  const refused = json.replace(token, 'wrong');
  /** Begins, then drips byte by byte for as long as it is let. */
  const drip = async (start: string, byte: string | null): Promise<string> => {
    const socket = dial(node.port);
    socket.write(start);
    const timer = setInterval(() => byte !== null && socket.writable && socket.write(byte), 50);
    // Who goes on writing to a connection that was closed meets a reset: what had come before counts.
    let said = '';
    socket.setEncoding('latin1').on('data', (data: string) => (said += data));
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(timer);
    return said;
  };
  const clients = Promise.all([
    drip('', null),
    drip('GET /api/v1/health HTTP/1.1\r\nx: ', 'y'),
    drip('GET /api/v1/health HTTP/1.1\r\nhost: x\r\n', 'a: b\r\n'),
    drip(json, '{'),
    drip(upload, null),
    drip(refused, '{'),
    ...Array.from({ length: 30 }, () => drip('GET / HTTP/1.1\r\nx: ', 'y')),
  ]);
  await expect(healthy(node)).resolves.toMatchObject({ status: 'ok' });
  const [, header, headers, body, uploaded, unknown] = await clients;
  for (const answer of [header, headers, body, uploaded]) {
    expect(parsed(answer ?? '').status).toBe(408);
    expect(isError(parsed(answer ?? '').body)).toBe(true);
  }
  expect([401, 429]).toContain(parsed(unknown ?? '').status);
  await expect(healthy(node)).resolves.toMatchObject({ status: 'ok' });
});

test('an upload that is slow but goes on is borne', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using node = await httpNode(at, { uploadSilenceMs: 1500, bodyMs: 100, headersMs: 5000 });
  const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
  const socket = dial(node.port);
  socket.write(
    `PUT /api/v1/indexes/${sha256} HTTP/1.1\r\nhost: x\r\n${authorized}content-type: application/octet-stream\r\ncontent-length: 4\r\nconnection: close\r\n\r\n`,
  );
  const answer = text(socket);
  for (const letter of 'test') {
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.write(letter);
  }
  expect(await answer).toMatch(/^HTTP\/1\.1 204 /);
});

test('more connections than allowed are dropped, and the node answers when there is room', async () => {
  await using at = await workshop();
  await using node = await httpNode(at, { connections: 5 });
  const held = Array.from({ length: 5 }, () => dial(node.port));
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  const extra = dial(node.port);
  await once(extra.resume(), 'close');
  await until(() => node.lines.some(({ msg }) => msg.includes('connections')), 'a line about it');
  for (const socket of held) socket.destroy();
  await until(
    () =>
      healthy(node).then(
        () => true,
        () => false,
      ),
    'an answer',
  );
});
