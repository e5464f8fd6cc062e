import { expect, test } from 'vitest';
import { loopbackAddresses } from '../../../src/host/net/loopback-addresses.ts';
import { connectSpread } from '../../../src/host/nbd/nbd-spread.ts';
import { connectNbdTarget } from '../../../src/host/nbd/nbd-target.ts';
import { tcpUri } from '../../../src/host/nbd/nbd-uri.ts';
import { block, MiB, noise, openWorkshop } from '../../blocks/workshop.ts';
import { freePort } from '../../support/free-ports.ts';
import { cuttableLink } from '../cuttable-link.ts';
import { makeTarget, serveTarget } from '../served-target.ts';

test('one target of several connections: each write over one, zeros too, and a flush over all', async () => {
  await using shop = await openWorkshop();
  const size = 8 * MiB;
  const file = shop.path('t.qcow2');
  await makeTarget(file, size);
  const server = await serveTarget(shop, file, { socket: shop.path('t.sock') });
  const port = await freePort();
  await using stack = new AsyncDisposableStack();
  const links = await Promise.all(
    loopbackAddresses(4).map(async (host) =>
      stack.use(await cuttableLink({ host, port }, { path: shop.path('t.sock') })),
    ),
  );
  const uri = tcpUri('127.0.0.1', port, 'target');
  const data = noise(size);
  data.fill(0, size - block);
  {
    await using first = await connectNbdTarget(uri);
    const link = { reconnectMs: 10_000, addresses: loopbackAddresses(4).slice(1) };
    await using target = await connectSpread(uri, { link, server: first.facts, nths: [1, 2, 3], first });
    expect(target.size).toBe(size);
    const writes: Promise<void>[] = [];
    for (let at = 0; at < size - block; at += block) writes.push(target.write(at, data.subarray(at, at + block)));
    writes.push(target.writeZeroes(size - block, block));
    await Promise.all(writes);
    await target.flush();
    for (const each of links) {
      expect(each.made()).toBe(1);
      expect(each.sent()).toBeGreaterThan(size / 8);
    }
    const found = Buffer.alloc(size);
    await target.read(0, found);
    expect(found.equals(data)).toBe(true);
  }
  await server.stop();
});
