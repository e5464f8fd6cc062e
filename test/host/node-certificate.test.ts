import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('a node behind https is believed by the authority that is named, and no other; its certificate is an error of its own', async () => {
  await using folder = await temporaryFolder();
  const [proxy, other] = [await makeCertificate(folder.path), await makeCertificate(folder.path, 'other')];
  const heard: (string | undefined)[] = [];
  const server = createServer({ key: proxy.key, cert: proxy.cert }, (request, answer) => {
    heard.push(request.headers.authorization);
    answer.end(JSON.stringify({ status: 'ok', version: '1', time: 1, tools: [], jobs_running: 0 }));
  }).listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const token = 'canary-token-of-the-node';
  const at = (ca?: string, host = 'localhost') => nodeClient({ url: `https://${host}:${port}`, token, ca });
  for (const client of [at(), at(other.cert), at(proxy.cert, '127.0.0.2')])
    await expect(client.health()).rejects.toMatchObject({
      code: 'node.certificate',
      entry: { exit: 12, retry: 'never' },
    });
  expect(heard).toEqual([]);
  expect(await at(proxy.cert).health()).toMatchObject({ status: 'ok' });
  expect(heard).toEqual([`Bearer ${token}`]);
  server.closeAllConnections();
  server.close();
});
