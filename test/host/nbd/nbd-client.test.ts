import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { connectNbd } from '../../../src/host/nbd/nbd-client.ts';
import { unixUri } from '../../../src/host/nbd/nbd-uri.ts';
import { KiB, MiB, noise, openWorkshop, type Workshop } from '../../blocks/workshop.ts';

async function listen(shop: Workshop, name: string, onConnection: (socket: Socket) => void): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onConnection(socket);
  }).listen(shop.path(name));
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readAll(uri: string): Promise<Buffer> {
  await using client = await connectNbd(uri);
  const content = Buffer.alloc(client.size, 0xaa);
  const piece = 300 * 512;
  const reads: Promise<void>[] = [];
  for (let at = 0; at < content.length; at += piece) reads.push(client.read(at, content.subarray(at, at + piece)));
  await Promise.all(reads);
  return content;
}

test('many reads at once, through qemu-nbd and nbdkit, with and without structured replies, give the content', async () => {
  await using shop = await openWorkshop();
  const size = 4 * MiB + 512;
  const content = Buffer.alloc(size);
  noise(MiB).copy(content, 0);
  noise(700 * KiB, 2).copy(content, 2 * MiB + 4096);
  noise(512, 3).copy(content, size - 512);
  const raw = await shop.raw('a.raw', size, [{ offset: 0, data: content }]);
  const sparse = await shop.raw('b.raw', size, [
    { offset: 0, data: content.subarray(0, MiB) },
    { offset: 2 * MiB, data: content.subarray(2 * MiB, 3 * MiB) },
    { offset: size - 512, data: content.subarray(size - 512) },
  ]);
  const uris = [
    (await shop.qemuNbd(raw)).uri,
    (await shop.qemuNbd(sparse)).uri,
    (await shop.qemuNbd(await shop.qcow2FromRaw('c.qcow2', raw), 'qcow2')).uri,
    await shop.nbdkit('file', sparse),
    await shop.nbdkit('--no-sr', 'file', sparse),
  ];
  for (const uri of uris) expect((await readAll(uri)).equals(content)).toBe(true);
});

test('tells where an export has data, and takes everything as data where the server does not say', async () => {
  await using shop = await openWorkshop();
  const raw = await shop.raw('a.raw', 8 * MiB, [{ offset: 2 * MiB, data: noise(MiB) }]);
  for (const uri of [(await shop.qemuNbd(raw)).uri, await shop.nbdkit('file', raw)]) {
    await using client = await connectNbd(uri);
    const found: unknown[] = [];
    for (let at = 0; at < client.size;) {
      const extents = await client.allocation(at, client.size - at);
      found.push(...extents);
      at = extents.at(-1)!.offset + extents.at(-1)!.length;
    }
    expect(found).toEqual([
      { offset: 0, length: 2 * MiB, zero: true },
      { offset: 2 * MiB, length: MiB, zero: false },
      { offset: 3 * MiB, length: 5 * MiB, zero: true },
    ]);
  }
  await using plain = await connectNbd(await shop.nbdkit('--no-sr', 'file', raw));
  expect(await plain.allocation(0, MiB)).toEqual([{ offset: 0, length: MiB, zero: false }]);
});

test('an error of the server fails that read alone', async () => {
  await using shop = await openWorkshop();
  const raw = await shop.raw('a.raw', MiB, [{ offset: 0, data: noise(MiB) }]);
  for (const flags of [[], ['--no-sr']]) {
    const uri = await shop.nbdkit(...flags, '--filter=error', 'file', raw, 'error-pread=EIO', 'error-pread-rate=100%');
    await using client = await connectNbd(uri);
    const read = (): Promise<void> => client.read(512, Buffer.alloc(1024));
    const failed = { code: 'nbd.lost', message: expect.stringMatching(/read at 512 of 1024 bytes failed: EIO/) };
    await expect(read()).rejects.toMatchObject(failed);
    await expect(read()).rejects.toMatchObject(failed);
  }
});

test('a wrong export name, address or server is told clearly', async () => {
  await using shop = await openWorkshop();
  const server = await shop.qemuNbd(await shop.raw('a.raw', MiB));
  const fails = (uri: string, message: RegExp): Promise<void> =>
    expect(connectNbd(uri, { connectTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'nbd.lost',
      message: expect.stringMatching(message),
    });
  await fails(server.uri.replace('disk%200', 'other'), /refused the export 'other'/);
  await fails(unixUri(shop.path('none.sock'), 'x'), /ENOENT/);
  await fails('nbd://127.0.0.1:1/x', /ECONNREFUSED/);
  await fails('http://127.0.0.1:1/x', /not an NBD address/);
  await using _http = await listen(shop, 'http.sock', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await fails(unixUri(shop.path('http.sock'), 'x'), /not an NBD server/);
  await using _mute = await listen(shop, 'mute.sock', () => undefined);
  await fails(unixUri(shop.path('mute.sock'), 'x'), /no NBD handshake within 300 ms/);
  await using _gone = await listen(shop, 'gone.sock', (socket) => socket.end());
  await fails(unixUri(shop.path('gone.sock'), 'x'), /closed the connection/);
});

test('when the server dies, pending and later reads fail', async () => {
  await using shop = await openWorkshop();
  const raw = await shop.raw('a.raw', 8 * MiB, [{ offset: 0, data: noise(MiB) }]);
  const server = await shop.qemuNbd(raw);
  await using client = await connectNbd(server.uri);
  process.kill(server.process.pid, 'SIGSTOP');
  const pending = client.read(0, Buffer.alloc(MiB));
  process.kill(server.process.pid, 'SIGKILL');
  await expect(pending).rejects.toMatchObject({ code: 'nbd.lost' });
  await expect(client.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'nbd.lost' });
});

test('aborting rejects what is pending with the reason', async () => {
  await using shop = await openWorkshop();
  const uri = await shop.nbdkit('--filter=delay', 'file', await shop.raw('a.raw', MiB), 'rdelay=20');
  const stop = new AbortController();
  await using client = await connectNbd(uri, { signal: stop.signal });
  const pending = client.read(0, Buffer.alloc(512));
  stop.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
  await expect(connectNbd(uri, { signal: stop.signal })).rejects.toThrow('enough');
});
