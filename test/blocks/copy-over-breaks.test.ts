import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareExport } from '../../src/blocks/compare-export.ts';
import { copyExport, type CopyExportOptions } from '../../src/blocks/copy-export.ts';
import { digestExport } from '../../src/blocks/digest-export.ts';
import type { LinkEvent } from '../../src/host/nbd/nbd-lasting.ts';
import { unixUri } from '../../src/host/nbd/nbd-uri.ts';
import { runTool } from '../../src/host/programs/process.ts';
import { serveNbd, type NbdServer } from '../../src/host/nbd/qemu-nbd.ts';
import { cuttableLink, type CuttableLink } from '../host/cuttable-link.ts';
import { sabotage, type Mishap } from '../host/saboteur.ts';
import { block, differences, MiB, noise, openWorkshop, type Workshop } from './workshop.ts';
import { rounds } from '../support/rounds.ts';

let links = 0;

/** A fresh target, served as the hub does it, behind a link that can be cut. */
async function linkedTarget(
  shop: Workshop,
  size: number,
  backing?: string,
  description: string = randomUUID(),
): Promise<{ uri: string; file: string; server: NbdServer; link: CuttableLink } & AsyncDisposable> {
  const name = `l${links++}`;
  const file = shop.path(`${name}.qcow2`);
  const base = backing === undefined ? [] : ['-F', 'qcow2', '-b', backing];
  await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', ...base, file, String(size)]);
  const [real, given] = [shop.path(`${name}.sock`), shop.path(`${name}.link`)];
  const server = await serveNbd({
    file,
    format: 'qcow2',
    readOnly: false,
    listen: { socket: real },
    exportName: 'target',
    pidFile: shop.path(`${name}.pid`),
    clients: 64,
    description,
  });
  const link = await cuttableLink({ path: given }, { path: real });
  return {
    uri: unixUri(given, 'target'),
    file,
    server,
    link,
    async [Symbol.asyncDispose]() {
      await link[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const link = { reconnectMs: 60_000, silenceMs: 200 };

/** A full and an incremental of the given way, with mishaps; both are compared with their disks, and so are the indexes. */
async function overBreaks(
  shop: Workshop,
  disk: { before: Buffer; after: Buffer },
  way: 'areas' | 'digest',
  mishaps: readonly Mishap[],
  more: Partial<CopyExportOptions> = {},
): Promise<{ happened: number; events: LinkEvent[] }> {
  const size = disk.before.length;
  const events: LinkEvent[] = [];
  let happened = 0;
  const copy = async (content: Buffer, index: string, how: Partial<CopyExportOptions>, backing?: string) => {
    const raw = await shop.raw(`${index}.raw`, size, [{ offset: 0, data: content }]);
    const from = await shop.qemuNbd(raw);
    await using to = await linkedTarget(shop, size, backing);
    await using mischief = sabotage(to.link, mishaps);
    const copied = await copyExport({
      from: from.uri,
      to: to.uri,
      link,
      onLink: (event) => events.push(event),
      indexPath: shop.path(index),
      write: 'data',
      ...more,
      ...how,
    });
    happened += mischief.done();
    await to.link.cut();
    await to.server.stop();
    expect((await shop.contentOf(to.file)).equals(content)).toBe(true);
    expect(copied.root).toBe((await digestExport({ uri: from.uri, indexPath: shop.path('check') })).root);
    return to.file;
  };
  const full = await copy(disk.before, `full${links}`, {});
  const parent = shop.path(`full${links - 1}`);
  const changed = differences(disk.before, disk.after);
  await copy(
    disk.after,
    `next${links}`,
    way === 'areas' ? { write: 'all', areas: changed, base: parent } : { write: 'changed', compareWith: parent },
    full,
  );
  return { happened, events };
}

/** Half of the blocks change, some of them to zeros. */
function changedBy(before: Buffer, seed: number): Buffer {
  const after = Buffer.from(before);
  for (let at = 0; at < after.length; at += 2 * block) {
    const end = Math.min(at + block, after.length);
    if ((at / block + seed) % 5 === 0) after.fill(0, at, end);
    else noise(end - at, seed + at / block).copy(after, at);
  }
  return after;
}

test.each(['areas', 'digest'] as const)(
  'threads and all: cuts and freezes in the midst of a full and %s',
  async (way) => {
    await using shop = await openWorkshop();
    const before = noise(80 * MiB, 3);
    const mishaps: Mishap[] = [
      { atBytes: 5 * MiB, what: 'blip', ms: 0 },
      { atBytes: 12 * MiB, what: 'cut', ms: 100 },
      { atBytes: 25 * MiB, what: 'freeze', ms: 300 },
      { atBytes: 38 * MiB, what: 'cut', ms: 1 },
    ];
    const { happened, events } = await overBreaks(shop, { before, after: changedBy(before, 4) }, way, mishaps, {
      link: { ...link, connectTimeoutMs: 500 },
    });
    expect(happened).toBeGreaterThanOrEqual(7);
    expect(events.filter(({ state }) => state === 'lost').length).toBe(
      events.filter(({ state }) => state === 'back').length,
    );
  },
);

test('any mishaps at any moments: the bytes are equal', { timeout: 300_000 }, async () => {
  await using shop = await openWorkshop();
  const mishap = fc.record({
    atBytes: fc.integer({ min: 0, max: 7 * MiB }),
    what: fc.constantFrom('blip', 'cut', 'cut', 'blip', 'freeze'),
    ms: fc.integer({ min: 0, max: 40 }),
  }) as fc.Arbitrary<Mishap>;
  const property = fc.asyncProperty(
    fc.array(mishap, { minLength: 1, maxLength: 6 }),
    fc.constantFrom('areas' as const, 'digest' as const),
    fc.constantFrom(1, 3),
    fc.integer({ min: 1, max: 1000 }),
    async (mishaps, way, connections, seed) => {
      const before = noise(6 * MiB + 512, seed);
      await overBreaks(shop, { before, after: changedBy(before, seed) }, way, mishaps, { connections });
    },
  );
  await fc.assert(property, { numRuns: rounds(4, 40), endOnFailure: true });
});

test('a cut that is too long fails, and leaves no index', async () => {
  await using shop = await openWorkshop();
  const from = await shop.qemuNbd(await shop.raw('a.raw', 40 * MiB, [{ offset: 0, data: noise(40 * MiB) }]));
  await using to = await linkedTarget(shop, 40 * MiB);
  const copying = copyExport({
    from: from.uri,
    to: to.uri,
    link: { reconnectMs: 300 },
    indexPath: shop.path('i'),
    write: 'data',
    onProgress: (done) => void (done > 20 * MiB && to.link.cut()),
  });
  await expect(copying).rejects.toMatchObject({
    code: 'nbd.lost',
    message: expect.stringMatching(/^the target .*: the connection broke and did not come back within 0.3 s/),
  });
  expect(existsSync(shop.path('i'))).toBe(false);
});

test('a qemu-nbd that was killed and came back unnoticed: the read-back finds what it lost', async () => {
  await using shop = await openWorkshop();
  const size = 24 * MiB;
  const from = await shop.qemuNbd(await shop.raw('a.raw', size, [{ offset: 0, data: noise(size) }]));
  // With words that another process has, too, nobody can tell it from that one.
  await using to = await linkedTarget(shop, size, undefined, 'a disk');
  let again: Promise<NbdServer> | null = null;
  const restart = async (): Promise<NbdServer> => {
    await to.link.cut();
    process.kill(to.server.process.pid, 'SIGKILL');
    await to.server.stop();
    const server = await serveNbd({
      file: to.file,
      format: 'qcow2',
      readOnly: false,
      listen: { socket: `${to.file.replace(/qcow2$/, 'sock')}` },
      exportName: 'target',
      pidFile: shop.path('again.pid'),
      clients: 64,
      description: 'a disk',
    });
    await to.link.mend();
    return server;
  };
  await copyExport({
    from: from.uri,
    to: to.uri,
    link,
    indexPath: shop.path('i'),
    write: 'data',
    onProgress: (done) => void (done > 12 * MiB && (again ??= restart())),
  });
  const server = await (again as Promise<NbdServer> | null);
  await server?.stop();
  const stored = await shop.qemuNbd(to.file, 'qcow2');
  const compared = await compareExport({ uri: stored.uri, indexPath: shop.path('i') });
  expect(server).not.toBeNull();
  expect(compared.mismatchCount).toBeGreaterThan(0);
});
