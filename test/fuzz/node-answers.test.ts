import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { nodeClient, type NodeClient } from '../../src/host/node-api/node-client.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { fuzz, judge } from './harness.ts';
import { hostileHttp } from './hostile-http.ts';
import { hostileJson } from './hostile-json.ts';
import { soundValue } from './sound-value.ts';

const folder = mkdtempSync(join(tmpdir(), 'sendense-fuzz-'));
const socket = join(folder, 'node.sock');
let reply: Buffer = Buffer.alloc(0);
const open = new Set<Socket>();
/** A node that says what a case wants, whatever it was asked. */
const server = createServer((connection) => {
  open.add(connection.on('error', () => {}).on('close', () => open.delete(connection)));
  connection.once('data', () => connection.end(reply));
});
beforeAll(async () => {
  server.listen(socket);
  await once(server, 'listening');
});
afterAll(async () => {
  for (const one of open) one.destroy();
  server.close();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
});

const client: NodeClient = nodeClient({
  url: `unix:${socket}`,
  token: 't'.repeat(32),
  name: 'a',
  peer: 'ours',
  silenceMs: 20_000,
});
const index = join(folder, 'index');

/** What is asked, with the schema of its answer; null: it is a text or a file. */
const calls: readonly (readonly [string | null, () => Promise<unknown>])[] = [
  ['node/health.json', () => client.health()],
  ['node/discovered.json', () => client.discover({ vm_name: 'x' } as never)],
  ['node/inventory.json', () => client.inventory({} as never)],
  ['node/credentials-tested.json', () => client.testCredential({} as never)],
  ['node/data-path-tested.json', () => client.testDataPath({} as never)],
  ['node/backup-started.json', () => client.startBackup({} as never)],
  ['domain.json#/$defs/jobStatus', () => client.status('job')],
  ['node/cleaned-up.json', () => client.cleanUp({} as never)],
  ['domain.json#/$defs/jobStatus', () => client.end('job')],
  [null, () => client.log('job')],
  [null, () => client.getIndex('job', '2000', index, undefined, null, 10_000)],
  [null, () => client.cancel('job')],
];

const schemas = [...new Set(calls.flatMap(([schema]) => schema ?? []))];
const values = [...schemas, 'api/error.json'].map(soundValue);
const head = fc
  .constantFrom(
    '200 OK',
    '200 OK',
    '200 OK',
    '202 Accepted',
    '204 No Content',
    '100 Continue',
    '101 Switching Protocols',
    '301 Moved',
    '401 No',
    '404 Not Found',
    '409 Conflict',
    '500 Oops',
    '503 Busy',
    '999 x',
    '0 x',
    '99999 x',
    'abc',
  )
  .map((status) => [`HTTP/1.1 ${status}`, 'content-type: application/json', 'location: http://127.0.0.1:1/']);

fuzz('answers of a node', {
  input: fc.tuple(fc.nat(calls.length - 1), hostileHttp(head, hostileJson(fc.constantFrom(...values)))),
  few: 120,
  attempt: async ([which, bytes]) => {
    const [schema, call] = calls[which] ?? [null, async () => {}];
    reply = bytes;
    rmSync(index, { force: true });
    const { accepted } = await judge(call);
    if (accepted !== undefined && schema !== null && which !== 8)
      expect(validatorOf(schema)(structuredClone(accepted))).toBe(true);
  },
});
