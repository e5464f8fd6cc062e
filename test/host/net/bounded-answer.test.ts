import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { bounded, boundedText } from '../../../src/host/net/bounded-answer.ts';
import { nodeClient } from '../../../src/host/node-api/node-client.ts';
import { letProve } from '../../../src/api/let-prove.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const limits = { what: 'node a: GET /x', mostBytes: 1000, mostMs: 60_000 };

test('a text up to the limit is read, a longer one is refused and its source ended', async () => {
  expect(await boundedText(Readable.from([Buffer.alloc(600, 'a'), Buffer.alloc(400, 'b')]), limits)).toHaveLength(1000);
  let given = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(100, String(given++ % 10));
    })(),
  );
  await expect(boundedText(endless, limits)).rejects.toMatchObject({
    code: 'node.protocol',
    message: 'node a: GET /x: the answer has more than 1000 bytes, which none can have',
  });
  expect(endless.destroyed).toBe(true);
  expect(given).toBeLessThan(100);
});

test('an answer that comes drop by drop ends', async () => {
  const drops = Readable.from(
    (async function* () {
      for (;;) {
        yield Buffer.from('x');
        await delay(5);
      }
    })(),
  );
  const slow = boundedText(drops, { ...limits, mostBytes: 1e9, mostMs: 100 });
  await expect(slow).rejects.toMatchObject({ code: 'node.unreachable' });
});

const least = { bytes: 1000, inMs: 240 };

test('an answer that comes below the least rate ends long before its time is over', async () => {
  const drops = Readable.from(
    (async function* () {
      for (;;) {
        yield Buffer.from('x');
        await delay(5);
      }
    })(),
  );
  await expect(boundedText(drops, { ...limits, mostBytes: 1e9, least })).rejects.toMatchObject({
    code: 'node.unreachable',
    message: expect.stringMatching(
      /^node a: GET \/x: the answer comes too slowly: \d+ bytes in the last 0\.24 s$/,
    ) as string,
  });
  expect(drops.destroyed).toBe(true);
});

test('who is slow to take an answer does not blame the node', async () => {
  const answer = Readable.from([Buffer.alloc(400_000, 'a')]);
  let taken = 0;
  const slow = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      taken += chunk.length;
      setTimeout(done, 1000);
    },
  });
  await pipeline(answer, bounded({ ...limits, mostBytes: 1e9, least }), slow);
  expect(taken).toBe(400_000);
});

test('an index, and the head of an answer, that a node drips byte by byte end as of a node that is too slow', async () => {
  await using folder = await temporaryFolder();
  const token = 'x'.repeat(40);
  let asked = Promise.withResolvers<void>();
  const server = createServer((request, answer) => {
    const drip = (): void => {
      if (request.url?.includes('/indexes/')) answer.write('x');
      else answer.writeProcessing();
      if (!answer.destroyed) setImmediate(() => setImmediate(drip));
    };
    answer.on('error', () => {});
    drip();
    asked.resolve();
  });
  letProve(server, { token, withinMs: 30_000 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  try {
    const node = nodeClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token, name: 'a' });
    for (const work of [() => node.getIndex('job', '0', folder.file('index')), () => node.health()]) {
      asked = Promise.withResolvers<void>();
      const now = { over: false };
      const ended = work().finally(() => (now.over = true));
      ended.catch(() => undefined);
      await asked.promise;
      // Far below the 24 hours that a whole index may take.
      for (let seconds = 0; seconds < 10_000 && !now.over; seconds += 5) {
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        vi.advanceTimersByTime(5000);
      }
      expect(now.over, String(work)).toBe(true);
      await expect(ended).rejects.toMatchObject({ code: 'node.unreachable' });
    }
  } finally {
    vi.useRealTimers();
    server.closeAllConnections();
    server.close();
  }
});

test('a node cannot fill the disk of the hub with an index that is longer than its disk allows, nor its memory', async () => {
  await using folder = await temporaryFolder();
  const token = 'x'.repeat(40);
  const server = createServer((_request, answer) => {
    const write = (): void => {
      while (!answer.destroyed && answer.write(Buffer.alloc(64 * 1024, ' ')));
    };
    answer.on('drain', write).on('error', () => {});
    answer.writeHead(200, { 'content-type': 'application/json' });
    write();
  });
  letProve(server, { token, withinMs: 30_000 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const node = nodeClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token, name: 'a' });
    const index = node.getIndex('job', '0', folder.file('index'), undefined, null, 100_000);
    await expect(index).rejects.toMatchObject({ code: 'node.protocol' });
    await expect(node.health()).rejects.toMatchObject({ code: 'node.protocol' });
    await expect(node.log('job')).rejects.toMatchObject({ code: 'node.protocol' });
    await expect(node.end('job')).rejects.toMatchObject({ code: 'node.protocol' });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
