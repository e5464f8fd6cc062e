import { readFileSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectNbd } from '../../../../src/host/nbd/nbd-client.ts';
import { isRunning } from '../../../../src/host/programs/process-identity.ts';
import { chooseTransport } from '../../../../src/node/vsphere/transports/choose-transport.ts';
import { serveSnapshotDisk } from '../../../../src/node/vsphere/transports/serve-snapshot-disk.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { startDatastoreServer, type DatastoreServer } from './datastore-server.ts';
import { contentOf, someContext, someDisk, type RecordingContext } from './some-disk.ts';
import { randomBytes } from '../../../support/random.ts';

const url = '/folder/pgtest1/pgtest1-flat.vmdk?dcPath=DC1&dsName=ds%25201';
const MiB = 1024 * 1024;

let folder: TemporaryFolder;
let server: DatastoreServer;
let context: RecordingContext;

async function start(names?: string): Promise<void> {
  folder = await temporaryFolder();
  server = await startDatastoreServer(folder.path, names === undefined ? {} : { names });
  context = someContext(folder.path, { port: server.port, thumbprint: server.thumbprint, transports: ['https'] });
}
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const serve = (size = MiB, more = {}) => serveSnapshotDisk(context, 'https', someDisk({ capacity: size, ...more }));

describe.each([
  ['by nbdkit itself', 'IP:127.0.0.1', 'https://127.0.0.1:'],
  [
    'through the relay, where the certificate is made for another name',
    'DNS:other.example.com',
    'http://sendense/disk',
  ],
])('%s', (_, names, asks) => {
  beforeEach(() => start(names));

  test('nbdkit asks there', async () => {
    server.files.set(url, Buffer.alloc(MiB));
    await using disk = await serve();
    expect(readFileSync(`/proc/${disk.process.pid}/cmdline`, 'utf8')).toContain(`\0url=${asks}`);
    expect(context.warnings).toEqual([]);
  });

  test('a disk of 64 MiB is read byte for byte', { timeout: 300_000 }, async () => {
    const content = randomBytes(64 * MiB);
    server.files.set(url, content);
    await using disk = await serve(content.length);
    expect(disk).toMatchObject({ multiConn: true });
    expect((await contentOf(disk.uri, disk.requestBytes)).equals(content)).toBe(true);
    await disk.assertSound?.(content.length);
  });

  test('reads of any place and size are answered', async () => {
    const content = randomBytes(MiB + 512);
    server.files.set(url, content);
    await using disk = await serve(content.length);
    expect((await contentOf(disk.uri, 300_033)).equals(content)).toBe(true);
    await disk.assertSound?.(content.length);
  });

  test('names that the server wants encoded once are found by a second question', async () => {
    const content = randomBytes(MiB);
    server.files.set('/folder/a%20b%3F/%C3%A4%23%25-flat.vmdk?dcPath=F%2FDC%201&dsName=ds%26%201', content);
    await using disk = await serve(MiB, { file: '[ds& 1] a b?/ä#%.vmdk', datacenter: 'F/DC 1' });
    expect((await contentOf(disk.uri)).equals(content)).toBe(true);
    expect(server.seen[0]?.url).toBe(
      '/folder/a%20b%3F/%C3%A4%23%25-flat.vmdk?dcPath=F%252FDC%25201&dsName=ds%2526%25201',
    );
  });

  test('a bare ESXi host has its own name for the datacenter', async () => {
    server.files.set('/folder/pgtest1/pgtest1-flat.vmdk?dcPath=ha-datacenter&dsName=ds%201', Buffer.alloc(MiB, 1));
    await using disk = await serve(MiB, { datacenter: null });
    expect((await contentOf(disk.uri)).every((byte) => byte === 1)).toBe(true);
  });

  test('broken connections and busy servers in mid-read cost no byte', { timeout: 300_000 }, async () => {
    const content = randomBytes(6 * MiB);
    server.files.set(url, content);
    await using disk = await serve(content.length);
    let gets = 0;
    server.cutAfter = () => (gets++ % 2 === 0 ? 700_001 : null);
    server.trouble = (request) => (request.method === 'GET' && gets === 3 ? (gets++, 503) : null);
    expect((await contentOf(disk.uri)).equals(content)).toBe(true);
    expect(server.seen.some(({ status }) => status === 503)).toBe(true);
    expect(server.seen.filter(({ status }) => status === 206).length).toBeGreaterThan(4);
    await disk.assertSound?.(content.length);
  });

  test('a session that ends in mid-read is renewed once', { timeout: 300_000 }, async () => {
    const content = randomBytes(4 * MiB);
    server.files.set(url, content);
    let cookie = server.cookie;
    const refused: string[] = [];
    context = {
      ...context,
      cookie: (stale) => {
        if (stale === undefined) return cookie;
        refused.push(stale);
        server.cookie = cookie = 'vmware_soap_session="second"';
        return cookie;
      },
    };
    await using disk = await serve(content.length);
    await using client = await connectNbd(disk.uri);
    const read = Buffer.alloc(content.length);
    await client.read(0, read.subarray(0, MiB));
    server.cookie = 'vmware_soap_session="nobody has this"';
    await client.read(MiB, read.subarray(MiB));
    expect(read.equals(content)).toBe(true);
    await disk.assertSound?.(content.length);
    expect(refused).toEqual(['vmware_soap_session="first"']);
  });

  test('nothing is left when the disk is closed', async () => {
    server.files.set(url, Buffer.alloc(MiB));
    const before = readdirSync(folder.path);
    const disk = await serve();
    await contentOf(disk.uri);
    await disk[Symbol.asyncDispose]();
    expect(readdirSync(folder.path)).toEqual(before);
    expect(isRunning(disk.process)).toBe(false);
  });

  test('closing a disk ends a read that hangs', { timeout: 300_000 }, async () => {
    server.files.set(url, Buffer.alloc(MiB));
    const disk = await serve();
    const asked = Promise.withResolvers<void>();
    server.cutAfter = () => (asked.resolve(), 0);
    const read = contentOf(disk.uri).catch((error: unknown) => error);
    await asked.promise;
    await disk[Symbol.asyncDispose]();
    await expect(read).resolves.toMatchObject({ code: 'nbd.lost' });
  });

  test('proxies of the environment are not asked', async () => {
    for (const name of ['http_proxy', 'https_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, 'http://127.0.0.1:9');
    server.files.set(url, Buffer.alloc(MiB, 3));
    await using disk = await serve();
    expect((await contentOf(disk.uri))[0]).toBe(3);
    vi.unstubAllEnvs();
  });
});

describe('through the relay', () => {
  beforeEach(() => start('DNS:other.example.com'));

  test('a session that stays refused fails the read, and says so without the cookie', async () => {
    server.files.set(url, Buffer.alloc(MiB));
    await using disk = await serve();
    server.cookie = 'vmware_soap_session="other"';
    await expect(contentOf(disk.uri)).rejects.toMatchObject({ code: 'nbd.lost' });
    expect(disk.lastError()).toMatch(/does not accept the session for pgtest1\/pgtest1-flat\.vmdk \(HTTP 401\)/);
    expect(disk.lastError()).not.toContain('first');
  });

  test('the reason says so', async () => {
    server.files.set(url, Buffer.alloc(MiB));
    await expect(chooseTransport(context, [someDisk()])).resolves.toMatchObject({
      reason: expect.stringContaining('through a relay'),
    });
  });
});

describe('before anything is read', () => {
  beforeEach(() => start());

  test.each([
    [403, 'vsphere.permission', /does not let this user read pgtest1\/pgtest1-flat\.vmdk/],
    [404, 'source.missing', /knows no file pgtest1\/pgtest1-flat\.vmdk/],
    [302, 'vsphere.protocol', /HTTP 302/],
  ])('HTTP %s is told in our words', async (status, code, message) => {
    server.trouble = () => status;
    await expect(chooseTransport(context, [someDisk()])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test.each([
    [
      'is shorter than the disk',
      (s: DatastoreServer) => void (s.headSize = (size) => size - 512),
      /holds 1048064 bytes, the disk 1048576/,
    ],
    ['is sent whole only', (s: DatastoreServer) => void (s.ranges = false), /sends whole files only/],
  ])('a file that %s is refused', async (_, spoil, message) => {
    server.files.set(url, Buffer.alloc(MiB));
    spoil(server);
    await expect(serve()).rejects.toMatchObject({ code: 'transport.unsafe', message: expect.stringMatching(message) });
  });

  test.each([
    [{ hasParent: true }, /difference to another disk file/],
    [{ backing: 'sesparse' }, /format is sesparse/],
    [{ backing: 'rdm-virtual' }, /format is rdm-virtual/],
    [{ datastoreType: 'vsan' }, /datastore is of the type vsan/],
    [{ datastoreType: 'VVOL' }, /datastore is of the type VVOL/],
    [{ encrypted: true }, /encrypted/],
  ])('a disk whose file is not its content is refused before any request: %o', async (fields, message) => {
    await expect(serve(MiB, fields)).rejects.toMatchObject({
      code: 'transport.unsafe',
      message: expect.stringMatching(message),
    });
    expect(server.seen).toEqual([]);
  });

  test.each([
    ['SHA-1', () => server.thumbprintSha1.replaceAll(':', '').toLowerCase()],
    ['SHA-256', () => server.thumbprint],
  ])('a server is known by the %s thumbprint of its certificate', async (_, thumbprint) => {
    server.files.set(url, Buffer.alloc(MiB));
    context = someContext(folder.path, { port: server.port, thumbprint: thumbprint(), transports: ['https'] });
    await expect(chooseTransport(context, [someDisk()])).resolves.toMatchObject({ name: 'https', tried: [] });
  });

  test('a server is known by the authority of its certificate', async () => {
    server.files.set(url, Buffer.alloc(MiB));
    context = someContext(folder.path, { port: server.port, ca: server.caPem, transports: ['https'] });
    await expect(chooseTransport(context, [someDisk()])).resolves.toMatchObject({ name: 'https' });
  });

  test.each([
    ['another thumbprint', { thumbprint: `00${'AB'.repeat(31)}` }],
    ['no thumbprint and no authority', { thumbprint: null }],
  ])('with %s nothing is sent', async (_, fields) => {
    context = someContext(folder.path, { port: server.port, transports: ['https'], ...fields });
    await expect(chooseTransport(context, [someDisk()])).rejects.toMatchObject({ code: 'vsphere.tls' });
    expect(server.seen).toEqual([]);
  });

  test('an aborted job gets no disk', async () => {
    const control = new AbortController();
    context = { ...context, signal: control.signal };
    server.trouble = () => (control.abort(new Error('stop')), 503);
    await expect(serve()).rejects.toThrow('stop');
  });
});
