import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:tls';
import { expect, test } from 'vitest';
import { connectNbd } from '../../src/host/nbd/nbd-client.ts';
import { connectNbdTarget } from '../../src/host/nbd/nbd-target.ts';
import { tcpUri, tlsUri } from '../../src/host/nbd/nbd-uri.ts';
import { argvOf } from '../../src/host/programs/process-identity.ts';
import { dhFileIn, makePsk, pskFileIn, pskIdentity, readPsk, writePsk } from '../../src/host/nbd/psk-file.ts';
import { serveNbd, type NbdServer } from '../../src/host/nbd/qemu-nbd.ts';
import { toolTarget } from '../../src/host/nbd/tool-target.ts';
import { block, MiB, noise, openWorkshop, type Workshop } from '../blocks/workshop.ts';
import { freePort } from '../support/free-ports.ts';
import { cuttableLink } from './cuttable-link.ts';

const size = 8 * MiB;

async function encrypted(
  shop: Workshop,
  pskFolder: string | null = shop.path('tls'),
): Promise<NbdServer & { port: number }> {
  const file = shop.path('t.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, String(size)]);
  const port = await freePort();
  const server = await serveNbd({
    file,
    format: 'qcow2',
    readOnly: false,
    listen: { port },
    exportName: 'disk 0',
    pidFile: shop.path('t.pid'),
    pskFolder,
    clients: 100,
    description: randomUUID(),
  });
  return { ...server, port };
}

test('with the key of the run data goes through TLS, also after a break; others are refused', async () => {
  await using shop = await openWorkshop();
  const psk = makePsk();
  await writePsk(shop.path('tls'), psk);
  expect(statSync(pskFileIn(shop.path('tls'))).mode & 0o777).toBe(0o600);
  expect(await readPsk(shop.path('tls'))).toBe(psk);
  expect(await readPsk(shop.path('none'))).toBeNull();
  await using server = await encrypted(shop);
  expect(argvOf(server.process.pid).join(' ')).not.toContain(psk);
  expect(server.uri).toBe(`nbds://sendense@127.0.0.1:${server.port}/disk%200`);

  const port = await freePort();
  await using link = await cuttableLink({ host: '127.0.0.1', port }, { host: '127.0.0.1', port: server.port });
  const uri = tlsUri('127.0.0.1', port, 'disk 0', pskIdentity);
  const data = noise(size);
  {
    await using target = await connectNbdTarget(uri, { psk, reconnectMs: 60_000 });
    await target.write(0, data.subarray(0, 3 * MiB));
    link.blip();
    await target.write(3 * MiB, data.subarray(3 * MiB));
    await target.flush();
    const found = Buffer.alloc(size);
    await target.read(0, found);
    expect(found.equals(data)).toBe(true);
    expect(link.made()).toBe(2);
  }
  {
    // A break without a word.
    await using target = await connectNbdTarget(uri, { psk, reconnectMs: 60_000, silenceMs: 200 });
    link.freeze();
    const writing = target.write(0, data.subarray(0, block));
    await link.mend();
    await writing;
  }
  // libnbd's tools, with the key in a file.
  {
    await using tool = await toolTarget(server.uri, psk, shop.path('key-0'));
    const copied = execFileSync('nbdcopy', [tool.uri, '-'], { maxBuffer: 2 * size });
    expect(copied.equals(data)).toBe(true);
  }
  expect(existsSync(shop.path('key-0'))).toBe(false);

  const refused = { code: 'nbd.encryption' };
  await expect(connectNbd(server.uri, { psk: makePsk() })).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining('the server did not accept the key, or has another'),
  });
  await expect(connectNbd(server.uri)).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining('there is no key to it'),
  });
  await expect(connectNbd(tcpUri('127.0.0.1', server.port, 'disk 0'))).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining('the server only speaks to who encrypts'),
  });
  await expect(connectNbd(tlsUri('127.0.0.1', server.port, 'disk 0', 'other'), { psk })).rejects.toMatchObject(refused);
});

test('a server without encryption is not spoken to in the clear', async () => {
  await using shop = await openWorkshop();
  await using server = await encrypted(shop, null);
  const uri = tlsUri('127.0.0.1', server.port, 'disk 0', pskIdentity);
  await expect(connectNbd(uri, { psk: makePsk() })).rejects.toMatchObject({
    code: 'nbd.encryption',
    message: expect.stringContaining('the server does not encrypt'),
  });
});

/** Says what an NBD server says up to its agreement to encrypt, then does something else. */
async function impostor(act: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(Buffer.from('4e42444d414749434948415645 4f50540003'.replaceAll(' ', ''), 'hex'));
    let seen = 0;
    socket.on('data', function takeOption(chunk: Buffer) {
      seen += chunk.length;
      if (seen < 20) return;
      socket.removeListener('data', takeOption);
      act(socket);
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const agreed = Buffer.from('0003e889045565a9000000050000000100000000', 'hex');

test('who has a certificate instead of the key, or slips bytes in before the encryption, is refused', async () => {
  await using shop = await openWorkshop();
  const [key, cert] = [shop.path('key.pem'), shop.path('cert.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=hub.example.com',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  const tls = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) });
  await using certified = await impostor((socket) => {
    socket.write(agreed);
    tls.emit('connection', socket);
  });
  tls.on('tlsClientError', () => {});
  await using slipping = await impostor((socket) => socket.write(Buffer.concat([agreed, Buffer.alloc(block)])));
  for (const { port } of [certified, slipping]) {
    const connecting = connectNbd(tlsUri('127.0.0.1', port, 'x', pskIdentity), { psk: makePsk() });
    await expect(connecting).rejects.toMatchObject({ code: 'nbd.encryption' });
  }
  tls.close();
});

test('the folder of a key has a group that qemu-nbd takes, so that it computes none at each start', async () => {
  await using shop = await openWorkshop();
  const folder = shop.path('tls');
  await writePsk(folder, makePsk());
  const text = execFileSync('openssl', ['dhparam', '-in', dhFileIn(folder), '-noout', '-text', '-check'], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  expect(text).toContain('GROUP: ffdhe2048');
  // It reads the file of this name.
  writeFileSync(dhFileIn(folder), 'no group');
  await expect(encrypted(shop)).rejects.toMatchObject({ code: 'nbd.failed' });
});
