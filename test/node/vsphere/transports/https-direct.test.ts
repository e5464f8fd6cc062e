import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectNbd } from '../../../../src/host/nbd/nbd-client.ts';
import { serveSnapshotDisk } from '../../../../src/node/vsphere/transports/serve-snapshot-disk.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { startDatastoreServer, type DatastoreServer } from './datastore-server.ts';
import { contentOf, password, someContext, someDisk, type RecordingContext } from './some-disk.ts';
import { randomBytes } from '../../../support/random.ts';
import { rounds } from '../../../support/rounds.ts';

const url = '/folder/pgtest1/pgtest1-flat.vmdk?dcPath=DC1&dsName=ds%25201';
const MiB = 1024 * 1024;

let folder: TemporaryFolder;
let server: DatastoreServer;
let context: RecordingContext;

beforeEach(async () => {
  folder = await temporaryFolder();
  server = await startDatastoreServer(folder.path);
  context = someContext(folder.path, { port: server.port, thumbprint: server.thumbprint });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const serve = (size = MiB) => serveSnapshotDisk(context, 'https', someDisk({ capacity: size }));

/** What nbdkit's scripts write their errors to. */
const nbdkitErrors = (): string[] => readdirSync('/tmp').filter((name) => /^errors.{6}$/.test(name));

const isDirect = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('url=https://');

test('the cookie and the password are in no argument, in no environment, and in one file that only we can read', async () => {
  const content = randomBytes(8 * MiB);
  server.files.set(url, content);
  context = { ...context, cookie: () => 'vmware_soap_session="canary-7f3a9"' };
  server.cookie = 'vmware_soap_session="canary-7f3a9"';
  const before = readdirSync(folder.path);
  const errorsBefore = new Set(nbdkitErrors());
  const disk = await serve(content.length);
  expect((await contentOf(disk.uri)).equals(content)).toBe(true);
  for (const name of ['cmdline', 'environ']) {
    const text = readFileSync(`/proc/${disk.process.pid}/${name}`, 'utf8');
    expect(text).not.toContain('canary');
    expect(text).not.toContain(password);
  }
  const held = join(folder.path, readdirSync(folder.path).find((name) => name.startsWith('https-2000-')) ?? '');
  expect(statSync(held).mode & 0o777).toBe(0o700);
  expect(readdirSync(held).sort()).toEqual(['authorities.pem', 'cookie', 'none']);
  expect(statSync(join(held, 'cookie')).mode & 0o777).toBe(0o600);
  expect(statSync(join(held, 'authorities.pem')).mode & 0o777).toBe(0o600);
  await disk[Symbol.asyncDispose]();
  expect(readdirSync(folder.path)).toEqual(before);
  // Those of other tests come and go.
  await vi.waitFor(() => expect(nbdkitErrors().filter((name) => !errorsBefore.has(name))).toEqual([]), 200_000);
});

test('folders of any name are possible', async () => {
  server.files.set(url, Buffer.alloc(MiB, 7));
  const odd = join(folder.path, `a'b "c" $(touch x) ü`);
  mkdirSync(odd);
  context = { ...context, jobFolder: odd };
  await using disk = await serve();
  expect(isDirect(disk.process.pid)).toBe(true);
  expect((await contentOf(disk.uri)).every((byte) => byte === 7)).toBe(true);
  expect(context.warnings).toEqual([]);
});

test('the authority of the settings is what nbdkit trusts', async () => {
  server.files.set(url, Buffer.alloc(MiB, 5));
  context = someContext(folder.path, { port: server.port, ca: server.caPem });
  await using disk = await serve();
  expect(isDirect(disk.process.pid)).toBe(true);
  expect((await contentOf(disk.uri))[0]).toBe(5);
});

test(
  'another certificate for the same name is refused before a byte of a request is sent',
  { timeout: 300_000 },
  async () => {
    server.files.set(url, Buffer.alloc(4 * MiB));
    const disk = await serve(4 * MiB);
    await using client = await connectNbd(disk.uri);
    const { port } = server;
    await server[Symbol.asyncDispose]();
    const second = join(folder.path, 'second');
    mkdirSync(second);
    server = await startDatastoreServer(second, { port, isAnother: true });
    server.files.set(url, Buffer.alloc(4 * MiB, 1));
    const read = client.read(0, Buffer.alloc(MiB)).catch((error: unknown) => error);
    await vi.waitFor(
      () => expect(disk.lastError()).toMatch(/certificate of the server is not the expected one/),
      300_000,
    );
    await disk[Symbol.asyncDispose]();
    await expect(read).resolves.toMatchObject({ code: 'nbd.lost' });
    expect(server.seen).toEqual([]);
  },
);

test('a session that stays refused is told without the cookie', { timeout: 300_000 }, async () => {
  server.files.set(url, Buffer.alloc(MiB));
  let asked = 0;
  context = {
    ...context,
    cookie: (refused) => {
      if (refused !== undefined) asked++;
      return 'vmware_soap_session="first"';
    },
  };
  const disk = await serve();
  const client = await connectNbd(disk.uri);
  server.cookie = 'vmware_soap_session="other"';
  const read = client.read(0, Buffer.alloc(MiB)).catch((error: unknown) => error);
  await vi.waitFor(() => expect(asked).toBeGreaterThan(0), 200_000);
  expect(disk.lastError()).toMatch(/session was not accepted \(HTTP 401\)/);
  expect(disk.lastError()).not.toContain('first');
  await disk[Symbol.asyncDispose]();
  await read;
  await client[Symbol.asyncDispose]();
});

test('why a session could not be renewed is told', { timeout: 300_000 }, async () => {
  server.files.set(url, Buffer.alloc(MiB));
  context = {
    ...context,
    cookie: (refused) => {
      if (refused !== undefined) throw new Error('the password was changed');
      return 'vmware_soap_session="first"';
    },
  };
  const disk = await serve();
  const client = await connectNbd(disk.uri);
  server.cookie = 'vmware_soap_session="other"';
  const read = client.read(0, Buffer.alloc(MiB)).catch((error: unknown) => error);
  await vi.waitFor(() => expect(disk.lastError()).toMatch(/the password was changed/), 200_000);
  await disk[Symbol.asyncDispose]();
  await read;
  await client[Symbol.asyncDispose]();
});

test.each([
  ['sends other bytes than were asked for', () => void (server.shift = 512), /was asked for bytes 524288-/],
  [
    'sends whole files, and says that it does not',
    () => void (server.lies = true),
    /sends whole files only \(HTTP 200\)/,
  ],
])('a server that %s is refused', async (_, spoil, message) => {
  server.files.set(url, Buffer.alloc(MiB));
  spoil();
  await expect(serve()).rejects.toMatchObject({ code: 'vsphere.protocol', message: expect.stringMatching(message) });
});

test.each([
  ['a page in place of data', 200],
  ['a redirection', 302],
])('%s in mid-read is never taken for data', { timeout: 300_000 }, async (_, status) => {
  server.files.set(url, Buffer.alloc(MiB));
  await using disk = await serve();
  await using client = await connectNbd(disk.uri);
  server.page = [status, `<html>${'x'.repeat(20_000)}</html>`];
  await expect(client.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'nbd.lost' });
  expect(disk.lastFault?.()).toMatchObject({ code: 'transport.unsafe', message: expect.stringContaining(`${status}`) });
});

/** Reads all pieces over three connections, several at a time; the first error ends it. */
async function readWhole(uri: string, content: Buffer, pieceBytes: number): Promise<Error | null> {
  const clients = await Promise.all([connectNbd(uri), connectNbd(uri), connectNbd(uri)]);
  const whole = Buffer.alloc(content.length);
  try {
    const reads: Promise<unknown>[] = [];
    for (let at = 0; at < whole.length; at += pieceBytes)
      reads.push(
        clients[(at / pieceBytes) % 3]?.read(at, whole.subarray(at, at + pieceBytes)) ?? Promise.reject(new Error('?')),
      );
    const failed = (await Promise.allSettled(reads)).find((read) => read.status === 'rejected');
    if (failed) return failed.reason as Error;
    return whole.equals(content) ? null : new Error('other bytes');
  } finally {
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  }
}

test('many requests at a time over several connections are no cause for alarm', { timeout: 300_000 }, async () => {
  const content = randomBytes(24 * MiB);
  server.files.set(url, content);
  for (let round = 0; round < rounds(2, 50); round++) {
    await using disk = await serve(content.length);
    expect(await readWhole(disk.uri, content, 64 * 1024 * (1 + (round % 4)))).toBe(null);
    await disk.assertSound?.(content.length);
    expect(disk.lastFault?.()).toBe(null);
  }
  expect(context.warnings).toEqual([]);
});

test.each(
  ([1, 2, 3, 7, 20] as const).flatMap((nth) => (['whole', 'short'] as const).map((what) => [what, nth] as const)),
)('an answer that is %s, each %ith time, is always found', { timeout: 300_000 }, async (what, nth) => {
  const content = randomBytes(4 * MiB);
  server.files.set(url, content);
  await using disk = await serve(content.length);
  let gets = 0;
  server.oddAnswer = () => (++gets % nth === 0 ? what : null);
  await readWhole(disk.uri, content, 128 * 1024);
  expect(gets).toBeGreaterThanOrEqual(nth);
  expect(disk.lastFault?.()).toMatchObject({ code: 'transport.unsafe' });
  await expect(disk.assertSound?.(0)).rejects.toMatchObject({ code: 'transport.unsafe' });
});

test('what was read must be confirmed to the last byte', async () => {
  const content = randomBytes(MiB);
  server.files.set(url, content);
  await using disk = await serve();
  expect(await readWhole(disk.uri, content, MiB / 4)).toBe(null);
  await expect(disk.assertSound?.(MiB + 1)).rejects.toMatchObject({
    code: 'transport.unsafe',
    message: expect.stringMatching(/1048577 bytes were read, and the server confirmed 1048576/),
  });
});

test('what is no HTTP is asked for again', { timeout: 300_000 }, async () => {
  const content = randomBytes(MiB);
  server.files.set(url, content);
  await using disk = await serve();
  let gets = 0;
  server.oddAnswer = () => (gets++ === 1 ? 'garbage' : null);
  expect(await readWhole(disk.uri, content, MiB / 4)).toBe(null);
  await disk.assertSound?.(MiB);
});

test.each([
  ['whose certificate an authority has signed', { signed: true }],
  ['that speaks HTTP/2', { http2: true }],
])('a server %s is read by nbdkit itself', { timeout: 300_000 }, async (_, options) => {
  await server[Symbol.asyncDispose]();
  server = await startDatastoreServer(folder.path, options);
  context = someContext(folder.path, { port: server.port, thumbprint: server.thumbprint });
  const content = randomBytes(4 * MiB);
  server.files.set(url, content);
  await using disk = await serve(content.length);
  expect(context.warnings).toEqual([]);
  expect(isDirect(disk.process.pid)).toBe(true);
  expect(await readWhole(disk.uri, content, MiB / 4)).toBe(null);
  await disk.assertSound?.(content.length);
});

test('a server that stumbles over the end of the file is read through a relay', async () => {
  const content = randomBytes(MiB);
  server.files.set(url, content);
  server.oddAnswer = () => (server.seen.filter(({ method }) => method === 'GET').length === 1 ? 'short' : null);
  await using disk = await serve();
  expect(isDirect(disk.process.pid)).toBe(false);
  expect(context.warnings).toEqual([expect.stringMatching(/answered with 'bytes .* through a relay instead/)]);
  expect((await contentOf(disk.uri)).equals(content)).toBe(true);
});

test('where nbdkit cannot talk with the server, the relay does, and a warning says why', async () => {
  const content = randomBytes(MiB);
  server.files.set(url, content);
  // nbdkit asks for the length with HTTP's HEAD after our own questions.
  server.trouble = (request) =>
    request.method === 'HEAD' && request.headers['user-agent'] === undefined && gets() > 0 ? 503 : null;
  const gets = (): number => server.seen.filter(({ method }) => method === 'GET').length;
  await using disk = await serve();
  expect(isDirect(disk.process.pid)).toBe(false);
  expect(context.warnings).toEqual([expect.stringMatching(/HTTP.*503.*through a relay instead/s)]);
  expect((await contentOf(disk.uri)).equals(content)).toBe(true);
});

test('an aborted job gets no disk, and leaves nothing', async () => {
  const control = new AbortController();
  context = { ...context, signal: control.signal };
  server.files.set(url, Buffer.alloc(MiB));
  const before = readdirSync(folder.path);
  server.trouble = (request) => (request.method === 'GET' ? (control.abort(new Error('stop')), 503) : null);
  await expect(serve()).rejects.toThrow('stop');
  expect(readdirSync(folder.path)).toEqual(before);
});
