import { once } from 'node:events';
import { createServer as createHttps } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { nodeClient } from '../../../src/host/node-api/node-client.ts';
import { proofServerOptions } from '../../../src/host/node-api/node-proof.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const token = 'canary-token-of-the-node';

async function listening(server: Server): Promise<{ url: string; port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

test('who answers with a certificate, whoever has signed it, is not believed and hears nothing', async () => {
  await using folder = await temporaryFolder();
  const { key, cert } = await makeCertificate(folder.path);
  const heard: string[] = [];
  await using there = await listening(
    createHttps({ key, cert, minVersion: 'TLSv1.2' }, (request, response) => {
      heard.push(JSON.stringify(request.headers));
      response.end('{}');
    }),
  );
  await expect(nodeClient({ url: there.url, token }).health()).rejects.toMatchObject({ code: 'node.unproven' });
  expect(heard).toEqual([]);
});

test('what a stranger in between records of a proof holds neither token nor request, and cannot be played again', async () => {
  const heard: Buffer[] = [];
  const said: string[] = [];
  const node = createTls(proofServerOptions(token, 2000), (socket: TLSSocket) => {
    socket.on('error', () => {}).on('data', (data) => said.push(data.toString()));
    socket.end('HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n');
  });
  await using behind = await listening(node);
  await using between = await listening(
    createServer((socket) => {
      const onward = connect(behind.port, '127.0.0.1');
      socket.on('data', (data: Buffer) => heard.push(data)).on('error', () => {});
      onward.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    }),
  );
  await expect(nodeClient({ url: between.url, token }).health()).rejects.toMatchObject({ code: 'node.protocol' });
  expect(said.join('')).toContain(`Bearer ${token}`);
  const recorded = Buffer.concat(heard);
  expect(recorded.includes(token)).toBe(false);
  expect(recorded.includes('HTTP')).toBe(false);
  const before = said.length;
  const again = connect(behind.port, '127.0.0.1', () => again.end(recorded));
  again.on('error', () => {}).resume();
  await once(again, 'close');
  expect(said).toHaveLength(before);
});

test('one with another token is refused, at both ends', async () => {
  const failed: unknown[] = [];
  const said: string[] = [];
  const node = createTls(proofServerOptions('another-token-here', 2000), () => said.push('proven'));
  node.on('tlsClientError', (error) => failed.push(error));
  await using there = await listening(node);
  await expect(nodeClient({ url: there.url, token }).health()).rejects.toMatchObject({ code: 'node.refused' });
  expect([said, failed.length]).toEqual([[], 1]);
});

test('who drips a proof byte by byte is not awaited', async () => {
  await using there = await listening(
    createServer((socket) => {
      // A record of 16 KiB that never is whole.
      socket.write(Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00, 0x02]));
      const drip = setInterval(() => socket.write(Buffer.from([0])), 20);
      socket.on('close', () => clearInterval(drip));
    }),
  );
  await expect(nodeClient({ url: there.url, token, silenceMs: 200 }).health()).rejects.toMatchObject({
    code: 'node.unreachable',
    message: expect.stringContaining('no answer for 0.2 s') as string,
  });
});
