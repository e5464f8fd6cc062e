import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { connectNbd } from '../../../src/host/nbd/nbd-client.ts';
import { loopbackAddresses } from '../../../src/host/net/loopback-addresses.ts';
import type { LinkEvent } from '../../../src/host/nbd/nbd-lasting.ts';
import { connectNbdTarget } from '../../../src/host/nbd/nbd-target.ts';
import { tcpUri, unixUri } from '../../../src/host/nbd/nbd-uri.ts';
import type { NbdServer } from '../../../src/host/nbd/qemu-nbd.ts';
import { block, KiB, MiB, noise, openWorkshop, type Workshop } from '../../blocks/workshop.ts';
import { until } from '../../node/support.ts';
import { freePort, freePorts } from '../../support/free-ports.ts';
import { cuttableLink, type CuttableLink } from '../cuttable-link.ts';
import { makeTarget, serveTarget } from '../served-target.ts';

const size = 8 * MiB;

/** A fresh qcow2, served as the hub does it, and reached over a link that can be cut. */
async function linked(shop: Workshop): Promise<{ uri: string; file: string; server: NbdServer; link: CuttableLink }> {
  const file = shop.path('t.qcow2');
  await makeTarget(file, size);
  const server = await serve(shop, file);
  const link = await cuttableLink({ path: shop.path('link') }, { path: shop.path('t.sock') });
  return { uri: unixUri(shop.path('link'), 'target'), file, server, link };
}

const serve = (shop: Workshop, file: string): Promise<NbdServer> =>
  serveTarget(shop, file, { socket: shop.path('t.sock') });

/** A server that can be told from others, and is as slow as is asked. */
const described = ['--filter=exportname', '--filter=delay'];
const own = ['exportdesc=fixed:a server of its own'];

/** The same as `serve`, at a loopback address. */
async function served(shop: Workshop, host: string, port: number, description?: string): Promise<NbdServer> {
  const file = shop.path(`${host}.qcow2`);
  await makeTarget(file, size);
  return serveTarget(shop, file, { port, address: host }, description);
}

describe('a connection beside another one', () => {
  test('goes by an address of its own, and by the usual one where nothing, or another server, answers there', async () => {
    await using shop = await openWorkshop();
    const port = await freePort();
    const server = await served(shop, '127.0.0.1', port);
    await using forwarded = await cuttableLink({ host: '127.0.0.2', port }, { host: '127.0.0.1', port });
    const other = await served(shop, '127.0.0.3', port);
    const uri = tcpUri('127.0.0.1', port, 'target');
    await using first = await connectNbdTarget(uri);
    const link = { reconnectMs: 10_000, addresses: loopbackAddresses(5).slice(1) };
    const data = noise(5 * block);
    await using stranger = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await once(stranger.listen(port, '127.0.0.5'), 'listening');
    for (let nth = 0; nth < 5; nth++) {
      const events: LinkEvent[] = [];
      await using target = await connectNbdTarget(uri, {
        ...link,
        beside: { server: first.facts, nth },
        onLink: (event) => events.push(event),
      });
      await target.write(nth * block, data.subarray(nth * block, (nth + 1) * block));
      expect(events).toEqual([]);
    }
    expect(forwarded.made()).toBe(1);
    await first.flush();
    const found = Buffer.alloc(data.length);
    await first.read(0, found);
    expect(found.equals(data)).toBe(true);
    await using untouched = await connectNbd(tcpUri('127.0.0.3', port, 'target'));
    expect(await untouched.allocation(0, size)).toEqual([{ offset: 0, length: size, zero: true }]);
    await untouched[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    await server.stop();
    await other.stop();
  });

  test.each([
    ['127.0.0.2', 1],
    ['127.0.0.1', 0],
  ])('goes on by another address when its own one, %s, breaks', async (host, nth) => {
    await using shop = await openWorkshop();
    const [port, behind] = (await freePorts(2)) as [number, number];
    const server = await served(shop, '127.0.0.9', behind);
    const ways = await Promise.all(
      ['127.0.0.1', '127.0.0.2'].map((from) => cuttableLink({ host: from, port }, { host: '127.0.0.9', port: behind })),
    );
    await using usual = ways[0];
    await using other = ways[1];
    const uri = tcpUri('127.0.0.1', port, 'target');
    await using direct = await connectNbdTarget(tcpUri('127.0.0.9', behind, 'target'));
    const events: LinkEvent[] = [];
    await using target = await connectNbdTarget(uri, {
      reconnectMs: 10_000,
      addresses: ['127.0.0.2'],
      // The first connection of all does not know the server yet.
      ...(nth > 0 ? { beside: { server: direct.facts, nth } } : {}),
      onLink: (event) => events.push(event),
    });
    const data = noise(size);
    await target.write(0, data.subarray(0, MiB));
    expect([usual?.made(), other?.made()]).toEqual(host === '127.0.0.1' ? [1, 0] : [0, 1]);
    await (host === '127.0.0.1' ? usual : other)?.cut();
    await target.write(MiB, data.subarray(MiB));
    await target.flush();
    expect(events.map(({ state }) => state)).toEqual(['lost', 'back']);
    const found = Buffer.alloc(size);
    await direct.read(0, found);
    expect(found.equals(data)).toBe(true);
    await target[Symbol.asyncDispose]();
    await direct[Symbol.asyncDispose]();
    await server.stop();
  });
});

test('a connection that had to go elsewhere returns when its own address answers again', async () => {
  await using shop = await openWorkshop();
  const [port, behind] = (await freePorts(2)) as [number, number];
  const server = await served(shop, '127.0.0.9', behind);
  const to = { host: '127.0.0.9', port: behind };
  await using usual = await cuttableLink({ host: '127.0.0.1', port }, to);
  await using other = await cuttableLink({ host: '127.0.0.2', port }, to);
  const uri = tcpUri('127.0.0.1', port, 'target');
  await using direct = await connectNbdTarget(tcpUri('127.0.0.9', behind, 'target'));
  const events: string[] = [];
  await using target = await connectNbdTarget(uri, {
    reconnectMs: 10_000,
    homeMs: 200,
    addresses: ['127.0.0.2'],
    beside: { server: direct.facts, nth: 1 },
    onLink: ({ state }) => events.push(state),
  });
  const data = noise(size);
  const piece = 16 * KiB;
  const offsets = Array.from({ length: size / piece }, (_, index) => index * piece).values();
  const writeOn = async (): Promise<void> => {
    const { value: at, done } = offsets.next();
    if (!done) await target.write(at, data.subarray(at, at + piece));
  };
  await writeOn();
  await other.cut();
  await writeOn();
  expect([usual.made(), other.made()]).toEqual([1, 1]);
  // While it is away it asks now and then, and writes on.
  for (let round = 0; round < 25; round++) await Promise.all([writeOn(), delay(20)]);
  expect(usual.made()).toBe(1);
  await other.mend();
  // Several at once: what is under way ends where it began.
  const patience = performance.now() + 60_000;
  while (other.made() < 2 && performance.now() < patience) await Promise.all([writeOn(), writeOn(), delay(10)]);
  expect(other.made()).toBe(2);
  // It is there once it has said where it is.
  const greeted = other.sent();
  while (other.sent() < greeted + piece && performance.now() < patience) await target.write(0, data.subarray(0, piece));
  const before = usual.sent();
  for (const at of offsets) await target.write(at, data.subarray(at, at + piece));
  expect(usual.sent() - before).toBeLessThan(1000);
  await target.flush();
  const found = Buffer.alloc(size);
  await direct.read(0, found);
  expect(found.equals(data)).toBe(true);
  expect(events).toEqual(['lost', 'back']);
  await target[Symbol.asyncDispose]();
  await direct[Symbol.asyncDispose]();
  await server.stop();
});

test('a server that says nothing of itself is never looked for elsewhere', async () => {
  await using shop = await openWorkshop();
  const port = await freePort();
  const server = await served(shop, '127.0.0.1', port, '');
  const twin = await served(shop, '127.0.0.2', port, '');
  const uri = tcpUri('127.0.0.1', port, 'target');
  await using first = await connectNbdTarget(uri);
  const link = { reconnectMs: 10_000, homeMs: 20, addresses: ['127.0.0.2'] };
  await using target = await connectNbdTarget(uri, { ...link, beside: { server: first.facts, nth: 1 } });
  const data = noise(20 * block);
  for (let at = 0; at < data.length; at += block) {
    await target.write(at, data.subarray(at, at + block));
    await delay(10);
  }
  await target.flush();
  const found = Buffer.alloc(data.length);
  await first.read(0, found);
  expect(found.equals(data)).toBe(true);
  await using untouched = await connectNbd(tcpUri('127.0.0.2', port, 'target'));
  expect(await untouched.allocation(0, size)).toEqual([{ offset: 0, length: size, zero: true }]);
  for (const each of [untouched, target, first]) await each[Symbol.asyncDispose]();
  await server.stop();
  await twin.stop();
});

describe('a connection that lasts', () => {
  test.each(['cut', 'freeze'] as const)('what was not answered is asked again after a %s', async (how) => {
    await using shop = await openWorkshop();
    const at = await linked(shop);
    await using link = at.link;
    await using server = at.server;
    const events: LinkEvent[] = [];
    await using target = await connectNbdTarget(at.uri, {
      reconnectMs: 60_000,
      silenceMs: 400,
      connectTimeoutMs: 500,
      onLink: (event) => events.push(event),
    });
    const data = noise(size);
    await target.write(0, data.subarray(0, 2 * MiB));
    if (how === 'cut') await link.cut();
    else link.freeze();
    const rest: Promise<unknown>[] = [];
    for (let from = 2 * MiB; from < size - MiB; from += 100 * KiB)
      rest.push(target.write(from, data.subarray(from, Math.min(size - MiB, from + 100 * KiB))));
    rest.push(target.writeZeroes(size - MiB, MiB));
    data.fill(0, size - MiB);
    await until(() => events[0]?.state === 'lost', 'the break shows');
    await link.mend();
    await Promise.all(rest);
    await target.flush();
    const found = Buffer.alloc(size);
    await target.read(0, found);
    expect(found.equals(data)).toBe(true);
    expect(await target.allocation(0, block)).toEqual([{ offset: 0, length: block, zero: false }]);
    await server.stop();
    expect((await shop.contentOf(at.file)).equals(data)).toBe(true);
    expect(events.slice(-1)).toEqual([{ state: 'back' }]);
  });

  test('a server that is only slow is no break', async () => {
    await using shop = await openWorkshop();
    // Every answer takes longer than the silence, the probe is answered.
    const { uri } = await shop.nbdkitTarget('--filter=delay', 'memory', '1M', 'wdelay=1500ms');
    const events: LinkEvent[] = [];
    await using target = await connectNbdTarget(uri, {
      reconnectMs: 1000,
      silenceMs: 600,
      onLink: (event) => events.push(event),
    });
    await target.write(0, noise(MiB));
    expect(events).toEqual([]);
  });

  test('a server that needs longer than the silence is waited for longer each time', async () => {
    await using shop = await openWorkshop();
    const { uri } = await shop.nbdkitTarget(
      ...described,
      '--filter=noparallel',
      'memory',
      '1M',
      ...own,
      'wdelay=900ms',
    );
    await using target = await connectNbdTarget(uri, { reconnectMs: 500, silenceMs: 100 });
    await target.write(0, noise(MiB));
    const found = Buffer.alloc(MiB);
    await target.read(0, found);
    expect(found.equals(noise(MiB))).toBe(true);
  });

  test('what got stuck in a broken connection and arrives after the flush changes nothing', async () => {
    await using shop = await openWorkshop();
    const at = await linked(shop);
    await using link = at.link;
    await using server = at.server;
    await using target = await connectNbdTarget(at.uri, { reconnectMs: 60_000, silenceMs: 200, connectTimeoutMs: 200 });
    const data = noise(size);
    await target.write(0, data.subarray(0, block));
    link.freeze();
    // The buffer is used again as soon as its bytes are written.
    const buffer = Buffer.from(data.subarray(block, 2 * block));
    const writing = target.write(block, buffer);
    await link.mend();
    await writing;
    buffer.fill(1);
    await target.write(2 * block, data.subarray(2 * block));
    await target.flush();
    const sent = link.sent();
    link.thaw();
    await until(() => link.sent() >= sent + block, 'it arrives');
    await server.stop();
    expect((await shop.contentOf(at.file)).equals(data)).toBe(true);
  });

  test('breaks without a word do not make it slower to find the next one', async () => {
    await using shop = await openWorkshop();
    const at = await linked(shop);
    await using link = at.link;
    await using _server = at.server;
    await using target = await connectNbdTarget(at.uri, { reconnectMs: 60_000, silenceMs: 100, connectTimeoutMs: 200 });
    // Doubled each time, the patience would come to its end at the sixth.
    for (let times = 1; times <= 7; times++) {
      link.freeze();
      const writing = target.write(0, noise(block));
      await link.mend();
      await writing;
      expect(link.made()).toBeGreaterThan(times);
    }
  });

  test('a server that makes connections and answers nothing is given up', async () => {
    await using shop = await openWorkshop();
    const at = await linked(shop);
    await using link = at.link;
    await using _server = at.server;
    link.muffle();
    await using target = await connectNbdTarget(at.uri, { reconnectMs: 60_000, silenceMs: 16 });
    await expect(target.write(0, noise(block))).rejects.toMatchObject({
      code: 'nbd.lost',
      message: expect.stringMatching(/no answer and no sign of life for 0.512 s$/),
    });
    expect(link.made()).toBe(6);
  });

  test('without `reconnect` a server that falls silent is given up, too', async () => {
    await using shop = await openWorkshop();
    const [there, port = 0] = await freePorts(2);
    await using _server = await served(shop, '127.0.0.1', there ?? 0);
    await using link = await cuttableLink({ host: '127.0.0.1', port }, { host: '127.0.0.1', port: there ?? 0 });
    await using client = await connectNbd(tcpUri('127.0.0.1', port, 'target'), { silenceMs: 200 });
    link.freeze();
    await expect(client.read(0, Buffer.alloc(block))).rejects.toMatchObject({
      code: 'nbd.lost',
      message: expect.stringMatching(/no answer and no sign of life for 0.2 s$/),
    });
  });

  test('a server that says nothing of itself may have been started anew: a break is the end', async () => {
    await using shop = await openWorkshop();
    await shop.nbdkitTarget('memory', '1M');
    await using link = await cuttableLink({ path: shop.path('link') }, { path: shop.path('k0.sock') });
    await using target = await connectNbdTarget(unixUri(shop.path('link'), ''), { reconnectMs: 60_000 });
    await target.write(0, noise(block));
    link.blip();
    await expect(target.write(block, noise(block))).rejects.toMatchObject({
      code: 'nbd.lost',
      message: expect.stringContaining('has no description'),
    });
    expect(link.made()).toBe(1);
  });

  test('what is under way when it is closed is not tried again', async () => {
    await using shop = await openWorkshop();
    await shop.nbdkitTarget(...described, 'memory', '1M', ...own, 'wdelay=3600');
    await using link = await cuttableLink({ path: shop.path('link') }, { path: shop.path('k0.sock') });
    const target = await connectNbdTarget(unixUri(shop.path('link'), ''), { reconnectMs: 60_000 });
    const writing = target.write(0, noise(block)).catch((error: unknown) => error);
    await until(() => link.sent() > block, 'the write is under way');
    await target[Symbol.asyncDispose]();
    expect(await writing).toMatchObject({ code: 'nbd.lost' });
    expect(link.made()).toBe(1);
  });

  test('a break that is too long fails, and so does everything after it', async () => {
    await using shop = await openWorkshop();
    const at = await linked(shop);
    await using link = at.link;
    await using _server = at.server;
    await using target = await connectNbdTarget(at.uri, { reconnectMs: 300 });
    await link.cut();
    const failure = {
      code: 'nbd.lost',
      message: expect.stringMatching(
        /^the target .*: the connection broke and did not come back within 0.3 s: connect E/,
      ),
    };
    await expect(target.write(0, noise(block))).rejects.toMatchObject(failure);
    await link.mend();
    await expect(target.flush()).rejects.toMatchObject(failure);
  });

  test('another qemu-nbd than before is not written to', async () => {
    await using shop = await openWorkshop();
    const at = await linked(shop);
    await using link = at.link;
    await using target = await connectNbdTarget(at.uri, { reconnectMs: 60_000 });
    await target.write(0, noise(block));
    process.kill(at.server.process.pid, 'SIGKILL');
    await at.server.stop();
    await using _again = await serve(shop, at.file);
    await expect(target.write(block, noise(block))).rejects.toMatchObject({
      code: 'nbd.lost',
      message: expect.stringContaining('after a break another server answered'),
    });
    expect(link.made()).toBeGreaterThan(1);
  });

  test('what the server refuses is not tried again', async () => {
    await using shop = await openWorkshop();
    const { uri } = await shop.nbdkitTarget(
      '--filter=error',
      'memory',
      '1M',
      'error-pwrite=ENOSPC',
      'error-pwrite-rate=100%',
    );
    const events: LinkEvent[] = [];
    await using target = await connectNbdTarget(uri, { reconnectMs: 60_000, onLink: (event) => events.push(event) });
    await expect(target.write(0, noise(block))).rejects.toMatchObject({ code: 'disk.full' });
    expect(events).toEqual([]);
    const wrong = connectNbd(unixUri(shop.path('none'), 'x'), { reconnectMs: 200 });
    await expect(wrong).rejects.toMatchObject({
      message: expect.stringMatching(/did not come back within 0.2 s: .*ENOENT/),
    });
  });

  test('the first connection waits for the link, too; aborting and closing end every wait', async () => {
    await using shop = await openWorkshop();
    const at = await linked(shop);
    await using link = at.link;
    await using _server = at.server;
    await link.cut();
    const events: LinkEvent[] = [];
    const early = connectNbd(at.uri, { reconnectMs: 60_000, onLink: (event) => events.push(event) });
    await until(() => events.length > 0, 'it is tried');
    await link.mend();
    const client = await early;
    expect(events.map(({ state }) => state)).toEqual(['lost', 'back']);

    await link.cut();
    const stop = new AbortController();
    const waiting = connectNbd(at.uri, { reconnectMs: 60_000, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const read = client.read(0, Buffer.alloc(block)).catch((error: unknown) => error);
    await until(() => events.length > 2, 'it waits');
    await client[Symbol.asyncDispose]();
    expect(await read).toMatchObject({ code: 'nbd.lost', message: expect.stringContaining('is closed') });
  });
});
