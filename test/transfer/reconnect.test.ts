import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loopbackAddresses } from '../../src/host/net/loopback-addresses.ts';
import { tcpUri, unixUri } from '../../src/host/nbd/nbd-uri.ts';
import { openSource } from '../../src/node/sources/index.ts';
import type { BackupStartRequest } from '../../src/schemas/types.ts';
import type { OpenDisk } from '../../src/sources/open-source.ts';
import { cuttableLink, type CuttableLink } from '../host/cuttable-link.ts';
import { sabotage, type Mishap } from '../host/saboteur.ts';
import {
  assertSame,
  fullRequest,
  imageSpec,
  incrementalRequest,
  makeRaw,
  MiB,
  target,
  workshop,
  writeAt,
  type Target,
  type Workshop,
} from '../node/support.ts';
import { freePort } from '../support/free-ports.ts';
import { handIndexOn, runHere } from './run-here.ts';

async function linked(
  at: Workshop,
  name: string,
  size: number,
  backing: string | null = null,
): Promise<Target & { link: CuttableLink }> {
  const to = await target(at, name, size, backing);
  const link = await cuttableLink({ path: at.path(`${name}.link`) }, { path: at.path(`${name}.sock`) });
  return {
    ...to,
    uri: unixUri(at.path(`${name}.link`), name),
    link,
    async [Symbol.asyncDispose]() {
      await link[Symbol.asyncDispose]();
      await to[Symbol.asyncDispose]();
    },
  };
}

const lasting = (request: BackupStartRequest, seconds = 60): BackupStartRequest => ({
  ...request,
  tuning: { connections: 4, requests: 64, reconnect_seconds: seconds },
});

const breaks: readonly Mishap[] = [
  { atBytes: 2 * MiB, what: 'blip', ms: 0 },
  { atBytes: 6 * MiB, what: 'cut', ms: 150 },
];

test.each([
  ['that bears as many connections as one likes', undefined],
  ['that bears two connections, as VDDK does', 2],
  ['that bears one connection', 1],
])(
  'a disk %s is spread over four addresses, and goes on by others when some break',
  async (_, connections) => {
    await using at = await workshop();
    const size = 96 * MiB;
    const disk = await makeRaw(at.path('disk.raw'), size, [[0, 90 * MiB]]);
    await using full = await target(at, 'full', size);
    const port = await freePort();
    const links = await Promise.all(
      loopbackAddresses(4).map((host) => cuttableLink({ host, port }, { path: at.path('full.sock') })),
    );
    await using stack = new AsyncDisposableStack();
    for (const link of links) stack.use(link);
    const [usual, second, third, fourth] = links as [CuttableLink, CuttableLink, CuttableLink, CuttableLink];
    // For good: what went through them goes on by the other two.
    stack.use(sabotage(usual, [{ atBytes: 6 * MiB, what: 'cut', ms: 3_600_000 }]));
    stack.use(sabotage(third, [{ atBytes: 2 * MiB, what: 'cut', ms: 3_600_000 }]));
    const request = lasting(fullRequest('j', imageSpec(disk), [tcpUri('127.0.0.1', port, 'full')]));
    const bearing: typeof openSource = async (...args) => {
      const source = await openSource(...args);
      const bears = (opened: OpenDisk): OpenDisk =>
        connections === undefined ? opened : Object.assign(opened, { connections });
      return { ...source, disk: async (...which) => bears(await source.disk(...which)) };
    };
    expect(await runHere(at, request, { addresses: 4, openSource: bearing })).toMatchObject({ status: 'succeeded' });
    for (const link of [second, fourth]) expect(link.sent()).toBeGreaterThan(8 * MiB);
    await full.server.stop();
    assertSame(disk, 'raw', full.file);
  },
  300_000,
);

test('full and digest go on after breaks of the connection, and say so', async () => {
  await using at = await workshop();
  const size = 48 * MiB;
  const disk = await makeRaw(at.path('disk.raw'), size, [[0, 40 * MiB]]);
  const source = imageSpec(disk);
  const broke = expect.stringMatching(/^the connection to the hub broke (once|\d times), \d+\.\d s in all$/);

  await using full = await linked(at, 'full', size);
  await using _one = sabotage(full.link, breaks);
  const first = await runHere(at, lasting(fullRequest('a', source, [full.uri])));
  expect(first).toMatchObject({ status: 'succeeded', error: null, warnings: [], remarks: [broke] });
  await full.link.cut();
  await full.server.stop();
  assertSame(disk, 'raw', full.file);
  const log = await readFile(join(at.path('a'), 'log.jsonl'), 'utf8');
  expect(log).toMatch(/"the connection to the hub broke: the target nbd\+unix.*"/);
  expect(log).toMatch(/"the connection to the hub is back after \d/);

  await writeAt(disk, [MiB, Buffer.alloc(20 * MiB, 7)], [30 * MiB, Buffer.alloc(MiB)]);
  const index = await handIndexOn(at, first, 'b');
  const since = first.disks[0]?.change_id ?? null;
  await using next = await linked(at, 'next', size, full.file);
  await using _two = sabotage(next.link, breaks);
  const request = incrementalRequest('b', source, next.uri, { method: 'digest', changeId: since, index });
  const second = await runHere(at, lasting(request));
  expect(second).toMatchObject({ status: 'succeeded', error: null, warnings: [], remarks: [broke] });
  expect(second.disks[0]).toMatchObject({ bytes_transferred: 21 * MiB });
  await next.link.cut();
  await next.server.stop();
  assertSame(disk, 'raw', next.file);
});

test.each([
  ['without reconnect', 0],
  ['after too long a break', 1],
])('%s the job fails, and its source is closed', async (_, seconds) => {
  await using at = await workshop();
  const size = 40 * MiB;
  const disk = await makeRaw(at.path('disk.raw'), size, [[0, size]]);
  await using to = await linked(at, 'full', size);
  await using _cut = sabotage(to.link, [{ atBytes: 2 * MiB, what: 'cut', ms: 3000 }]);
  const job = await runHere(at, lasting(fullRequest('a', imageSpec(disk), [to.uri]), seconds));
  // The workshop finds what is left running.
  expect(job).toMatchObject({ status: 'failed', disks: [{ phase: 'failed' }] });
  if (seconds > 0)
    expect(job.error).toMatchObject({
      code: 'nbd.lost',
      message: expect.stringContaining('did not come back within 1 s'),
    });
});

test('the target may be out of reach when the job starts', async () => {
  await using at = await workshop();
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, MiB]]);
  await using to = await linked(at, 'full', MiB);
  await using _down = sabotage(to.link, [{ atBytes: 0, what: 'cut', ms: 400 }]);
  const job = await runHere(at, lasting(fullRequest('a', imageSpec(disk), [to.uri])));
  expect(job).toMatchObject({ status: 'succeeded', error: null });
  await to.link.cut();
  await to.server.stop();
  assertSame(disk, 'raw', to.file);
});
