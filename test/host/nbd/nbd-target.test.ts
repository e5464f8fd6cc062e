import { expect, test } from 'vitest';
import { connectNbd } from '../../../src/host/nbd/nbd-client.ts';
import { connectNbdTarget } from '../../../src/host/nbd/nbd-target.ts';
import { block, KiB, MiB, noise, openWorkshop } from '../../blocks/workshop.ts';

test('what is written, in any order and at once, is read back, and is there after a flush', async () => {
  await using shop = await openWorkshop();
  const size = 4 * MiB + 512;
  const data = noise(size);
  const { file, server } = await shop.target('a', size);
  await using target = await connectNbdTarget(server.uri);
  const pieces: Promise<void>[] = [];
  for (let at = 0; at < size; at += 200 * KiB) pieces.unshift(target.write(at, data.subarray(at, at + 200 * KiB)));
  await Promise.all(pieces);
  await target.writeZeroes(MiB + 512, 100 * KiB);
  data.fill(0, MiB + 512, MiB + 512 + 100 * KiB);
  await target.flush();
  const found = Buffer.alloc(size);
  await target.read(0, found);
  expect(found.equals(data)).toBe(true);
  await server.stop();
  expect((await shop.contentOf(file)).equals(data)).toBe(true);
});

test('zeros hide what the backing file holds, and cost no space', async () => {
  await using shop = await openWorkshop();
  const below = await shop.target('below', MiB);
  await using writer = await connectNbdTarget(below.server.uri);
  await writer.write(0, noise(MiB));
  await below.server.stop();
  const above = await shop.target('above', MiB, below.file);
  await using target = await connectNbdTarget(above.server.uri);
  await target.writeZeroes(3 * block, 2 * block);
  expect(await target.allocation(3 * block, 2 * block)).toEqual([{ offset: 3 * block, length: 2 * block, zero: true }]);
  await above.server.stop();
  const shown = await shop.contentOf(above.file);
  const expected = noise(MiB).fill(0, 3 * block, 5 * block);
  expect(shown.equals(expected)).toBe(true);
});

test('a server without zero writes, of small requests, gets zeros and data in pieces that it takes', async () => {
  await using shop = await openWorkshop();
  const raw = await shop.raw('a.raw', MiB, [{ offset: 0, data: noise(MiB) }]);
  const args = ['--filter=blocksize-policy', '--filter=nozero', 'file', raw];
  const { uri } = await shop.nbdkitTarget(...args, 'blocksize-maximum=64k', 'blocksize-error-policy=error');
  await using target = await connectNbdTarget(uri);
  await target.writeZeroes(0, 300 * KiB);
  await target.write(300 * KiB, noise(500 * KiB, 7));
  const found = Buffer.alloc(800 * KiB);
  await target.read(0, found);
  expect(found.equals(Buffer.concat([Buffer.alloc(300 * KiB), noise(500 * KiB, 7)]))).toBe(true);
});

test('a read-only export is no target, and a plain client cannot write', async () => {
  await using shop = await openWorkshop();
  const { uri } = await shop.qemuNbd(await shop.raw('a.raw', MiB));
  const message = expect.stringContaining(`the target ${uri}: it is read-only`);
  await expect(connectNbdTarget(uri)).rejects.toMatchObject({ code: 'nbd.lost', message });
  await using client = await connectNbd(uri);
  expect(Object.keys(client)).not.toContain('write');
});

test('no space is told as such; other writes go on', async () => {
  await using shop = await openWorkshop();
  const { uri } = await shop.nbdkitTarget(
    '--filter=error',
    'memory',
    '1M',
    'error-pwrite=ENOSPC',
    'error-pwrite-rate=100%',
  );
  await using target = await connectNbdTarget(uri);
  const message = `the target ${uri}: write at 512 of 512 bytes failed: ENOSPC, No space left on device`;
  await expect(target.write(512, Buffer.alloc(512))).rejects.toMatchObject({ code: 'disk.full', message });
  await target.writeZeroes(0, 512);
});
