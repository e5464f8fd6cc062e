import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { connectNbd } from '../../src/host/nbd-client.ts';
import type { LinkEvent } from '../../src/host/nbd-lasting.ts';
import { connectNbdTarget } from '../../src/host/nbd-target.ts';
import { unixUri } from '../../src/host/nbd-uri.ts';
import { runTool } from '../../src/host/process.ts';
import { serveNbd, type NbdServer } from '../../src/host/qemu-nbd.ts';
import { block, KiB, MiB, noise, openWorkshop, type Workshop } from '../blocks/workshop.ts';
import { until } from '../node/support.ts';
import { cuttableLink, type CuttableLink } from './cuttable-link.ts';

const size = 8 * MiB;

/** A fresh qcow2, served as the hub does it, and reached over a link that can be cut. */
async function linked(shop: Workshop): Promise<{ uri: string; file: string; server: NbdServer; link: CuttableLink }> {
  const file = shop.path('t.qcow2');
  await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', file, String(size)]);
  const server = await serve(shop, file);
  const link = await cuttableLink({ path: shop.path('link') }, { path: shop.path('t.sock') });
  return { uri: unixUri(shop.path('link'), 'target'), file, server, link };
}

const serve = (shop: Workshop, file: string): Promise<NbdServer> =>
  serveNbd({
    file,
    format: 'qcow2',
    readOnly: false,
    listen: { socket: shop.path('t.sock') },
    exportName: 'target',
    pidFile: shop.path('t.pid'),
    clients: 64,
    description: randomUUID(),
  });

/** A server that can be told from others, and is as slow as is asked. */
const described = ['--filter=exportname', '--filter=delay'];
const own = ['exportdesc=fixed:a server of its own'];

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
