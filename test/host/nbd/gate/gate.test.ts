import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { closeGate, openGate } from '../../../../src/host/nbd/gate/open-gate.ts';
import { connectNbd } from '../../../../src/host/nbd/nbd-client.ts';
import { connectNbdTarget } from '../../../../src/host/nbd/nbd-target.ts';
import { tcpUri, tlsUri } from '../../../../src/host/nbd/nbd-uri.ts';
import { makePsk, pskIdentity, writePsk } from '../../../../src/host/nbd/psk-file.ts';
import { serveGated } from '../../../../src/host/nbd/serve-gated.ts';
import { isPortFree } from '../../../../src/host/net/port-probe.ts';
import { toolTarget } from '../../../../src/host/nbd/tool-target.ts';
import { block, MiB, noise, openWorkshop, type Workshop } from '../../../blocks/workshop.ts';
import { freePort } from '../../../support/free-ports.ts';
import { tcpListenersOf } from '../../../support/listeners.ts';

const size = 8 * MiB;

/** An image behind a gate, as `nbd.serve` has it. */
async function gated(shop: Workshop) {
  const psk = makePsk();
  await writePsk(shop.path('tls'), psk);
  const file = shop.path('t.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, String(size)]);
  const port = await freePort();
  const server = await serveGated(
    {
      file,
      format: 'qcow2',
      readOnly: false,
      listen: { port },
      exportName: 'disk 0',
      pidFile: shop.path('t.pid'),
      pskFolder: shop.path('tls'),
      // Few, so that it shows where somebody without the key takes one.
      clients: 3,
      description: 'the one',
    },
    { address: '127.0.0.1', port, socket: shop.path('t.sock'), psk },
  );
  return { ...server, port, psk };
}

/** Connections that say nothing, or what `say` sends, made again as soon as they are ended. */
function flood(port: number, count: number, say?: Buffer): AsyncDisposable & { made(): number; open(): number } {
  const sockets = new Set<Socket>();
  let [over, made] = [false, 0];
  const one = (): void => {
    if (over) return;
    made++;
    const socket = connect({ host: '127.0.0.1', port });
    sockets.add(socket);
    if (say) socket.once('connect', () => socket.write(say));
    socket.on('error', () => undefined).resume();
    socket.once('close', () => {
      sockets.delete(socket);
      setImmediate(one);
    });
  };
  for (let nth = 0; nth < count; nth++) one();
  return {
    made: () => made,
    open: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      over = true;
      const closed = [...sockets].map((socket) => once(socket, 'close'));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

test('who has the key reads and writes through the gate; who has not is told so; the server has no port', async () => {
  await using shop = await openWorkshop();
  await using server = await gated(shop);
  expect(server.uri).toBe(`nbds://sendense@127.0.0.1:${server.port}/disk%200`);
  expect(tcpListenersOf([server.process.pid])).toEqual([]);
  const data = noise(size);
  {
    await using target = await connectNbdTarget(server.uri, { psk: server.psk });
    await target.write(0, data);
    await target.flush();
  }
  // GnuTLS writes another hello than OpenSSL.
  await using tool = await toolTarget(server.uri, server.psk, shop.path('key-0'));
  expect(execFileSync('nbdcopy', [tool.uri, '-'], { maxBuffer: 2 * size }).equals(data)).toBe(true);
  await expect(connectNbd(server.uri, { psk: makePsk() })).rejects.toMatchObject({ code: 'nbd.encryption' });
  await expect(connectNbd(tcpUri('127.0.0.1', server.port, 'disk 0'))).rejects.toMatchObject({
    code: 'nbd.encryption',
  });
  const plain = `nbd://127.0.0.1:${server.port}/disk%200`;
  expect(() => execFileSync('nbdinfo', ['--size', plain], { stdio: 'pipe' })).toThrow(/TLS|tls/);
});

const flags = Buffer.from([0, 0, 0, 3]);
test.each([
  ['silent', undefined],
  ['half a greeting', flags.subarray(0, 3)],
  ['nonsense', Buffer.alloc(100, 'x')],
])('%s connections by the hundred keep nobody out', { timeout: 300_000 }, async (_what, say) => {
  await using shop = await openWorkshop();
  await using server = await gated(shop);
  await using many = flood(server.port, 700, say);
  await expect.poll(() => many.made()).toBeGreaterThan(700);
  await using target = await connectNbdTarget(server.uri, { psk: server.psk, reconnectMs: 60_000 });
  const data = noise(block);
  await target.write(0, data);
  const found = Buffer.alloc(block);
  await target.read(0, found);
  expect(found.equals(data)).toBe(true);
});

test('a client that is put out in the midst of its handshake comes again', async () => {
  await using shop = await openWorkshop();
  await using server = await gated(shop);
  const port = await freePort();
  let came = 0;
  const front = createServer((socket) => {
    const behind = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.on('error', () => undefined).once('close', () => behind.destroy());
    // The greeting and the answer to STARTTLS, 38 bytes: the first two end there, as they do where the gate is too full.
    let said = 0;
    if (++came <= 2) behind.on('data', (chunk) => (said += chunk.length) >= 38 && setImmediate(() => socket.destroy()));
    behind.pipe(socket).pipe(behind);
  }).listen(port, '127.0.0.1');
  await once(front, 'listening');
  {
    const uri = tlsUri('127.0.0.1', port, 'disk 0', pskIdentity);
    await using target = await connectNbdTarget(uri, { psk: server.psk, reconnectMs: 30_000 });
    await target.write(0, noise(block));
  }
  expect(came).toBe(3);
  front.close();
});

test('who has shown the key stays, and ends with the other side', async () => {
  await using shop = await openWorkshop();
  const server = await gated(shop);
  await using target = await connectNbdTarget(server.uri, { psk: server.psk, reconnectMs: 1 });
  {
    await using many = flood(server.port, 600);
    await expect.poll(() => many.made()).toBeGreaterThan(650);
    await delay(50);
    await target.write(0, noise(block));
  }
  await server.stop();
  expect(await isPortFree(server.port)).toBe(true);
  await expect(target.write(0, noise(block))).rejects.toMatchObject({ code: 'nbd.lost' });
});

test('a port that is taken, an address that is not ours; closing what is not there', async () => {
  await using shop = await openWorkshop();
  await using server = await gated(shop);
  const place = { address: '127.0.0.1', port: server.port, socket: shop.path('other.sock'), psk: makePsk() };
  await expect(openGate(place)).rejects.toMatchObject({ code: 'ports.taken' });
  await expect(openGate({ ...place, address: '192.0.2.1' })).rejects.toMatchObject({ code: 'nbd.failed' });
  await closeGate(shop.path('none.sock'));
  await using target = await connectNbdTarget(tlsUri('127.0.0.1', server.port, 'disk 0', pskIdentity), {
    psk: server.psk,
  });
  await target.write(0, noise(block));
});
