import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { datastoreClient } from '../../../../src/node/vsphere/transports/datastore-client.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { startDatastoreServer, type DatastoreServer } from './datastore-server.ts';
import { someContext, type RecordingContext } from './some-disk.ts';
import { randomBytes } from '../../../support/random.ts';

const MiB = 1024 * 1024;
const content = randomBytes(16 * MiB);

let folder: TemporaryFolder;
let server: DatastoreServer;
let context: RecordingContext;

beforeEach(async () => {
  folder = await temporaryFolder();
  server = await startDatastoreServer(folder.path);
  server.files.set('/folder/a', content);
  context = someContext(folder.path, { port: server.port, thumbprint: server.thumbprint });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const whole = { first: 0, last: content.length - 1 };

test('no byte changes under the hands of one who takes his time', { timeout: 300_000 }, async () => {
  using client = datastoreClient(context);
  const parts: Buffer[] = [];
  let calls = 0;
  await client.relay('/folder/a', whole, (chunk) => {
    // At once, a little later, much later: copied when it is over, as a write by the kernel does.
    const how = calls++ % 5;
    if (how < 2) return void parts.push(Buffer.from(chunk));
    const wait = how === 4 && calls % 100 === 0 ? delay(5) : turn();
    return wait.then(() => parts.push(Buffer.from(chunk)));
  });
  expect(Buffer.concat(parts).equals(content)).toBe(true);
});

test('chunks of a stream may be kept', async () => {
  using client = datastoreClient(context);
  const parts: Buffer[] = [];
  await client.stream('/folder/a', whole, (chunk) => void parts.push(chunk));
  expect(Buffer.concat(parts).equals(content)).toBe(true);
});

test('many at once do not get each other’s bytes, and connections are used again', { timeout: 300_000 }, async () => {
  using client = datastoreClient(context);
  const read = async (first: number): Promise<boolean> => {
    const parts: Buffer[] = [];
    await client.stream('/folder/a', { first, last: first + MiB - 1 }, (chunk) => void parts.push(chunk));
    return Buffer.concat(parts).equals(content.subarray(first, first + MiB));
  };
  for (let round = 0; round < 3; round++) {
    const same = await Promise.all(Array.from({ length: 4 }, (_, number) => read(number * 3 * MiB + round * 7)));
    expect(same).toEqual([true, true, true, true]);
  }
  expect(server.connections()).toBe(4);
});

test('a server that closes the connection after each answer is no trouble', async () => {
  server.closes = true;
  using client = datastoreClient(context, { pausesMs: [0] });
  for (let first = 0; first < 8; first++) {
    const parts: Buffer[] = [];
    await client.stream('/folder/a', { first, last: first + 99_999 }, (chunk) => void parts.push(chunk));
    expect(Buffer.concat(parts).equals(content.subarray(first, first + 100_000))).toBe(true);
  }
});

test('a server that falls silent is asked again, then given up', async () => {
  server.cutAfter = () => -1;
  using client = datastoreClient(context, { silenceMs: 100, pausesMs: [0, 0] });
  await expect(client.stream('/folder/a', whole, () => undefined)).rejects.toMatchObject({
    code: 'transport.failed',
    message: expect.stringMatching(/reading a failed again and again: the server was silent for 100 ms/),
  });
  expect(server.seen.length).toBe(3);
});

test('one who reads slowly is no silent server', async () => {
  using client = datastoreClient(context, { silenceMs: 1000, pausesMs: [] });
  let got = 0;
  await client.relay('/folder/a', whole, (chunk) => {
    got += chunk.length;
    return got > 8 * MiB && got - chunk.length <= 8 * MiB ? delay(1500) : undefined;
  });
  expect(got).toBe(content.length);
});

test('a server that is not there is tried again, then given up', async () => {
  await using gone = await startDatastoreServer(folder.path);
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  using client = datastoreClient(someContext(folder.path, { port, thumbprint: server.thumbprint }), { pausesMs: [0] });
  await expect(client.head('/folder/a')).rejects.toMatchObject({ code: 'vsphere.unreachable' });
});

test.each([
  [
    'other bytes than asked for',
    (s: DatastoreServer) => void (s.shift = 1),
    /was asked for bytes 0-16777215 and answered with 'bytes 1-/,
  ],
  ['whole files only', (s: DatastoreServer) => void (s.ranges = false), /sends whole files only/],
])('a server that sends %s is not believed', async (_, spoil, message) => {
  spoil(server);
  using client = datastoreClient(context);
  const nothing = (): undefined => expect.unreachable();
  await expect(client.stream('/folder/a', whole, nothing)).rejects.toMatchObject({
    code: 'vsphere.protocol',
    message: expect.stringMatching(message),
  });
});

test('the signal ends it in the middle', async () => {
  using client = datastoreClient(context);
  const control = new AbortController();
  const reading = client.stream(
    '/folder/a',
    whole,
    () => control.abort(new Error('stop')) ?? undefined,
    control.signal,
  );
  await expect(reading).rejects.toThrow('stop');
});
