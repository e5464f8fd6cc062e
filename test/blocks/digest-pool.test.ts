import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createDigestPool } from '../../src/blocks/digest-pool.ts';
import { block, MiB, noise, openWorkshop } from './workshop.ts';

test('threads start when so much work is foretold that they are worth it, and do all of it then', async () => {
  await using shop = await openWorkshop();
  const data = noise(block, 7);
  const file = await shop.raw('a.raw', block, [{ offset: 0, data }]);
  let started = 0;
  const count = (): void => void started++;
  process.on('worker', count);
  try {
    await using pool = createDigestPool({ source: null, workers: 2, ownBytes: MiB });
    const work = { file, extents: [{ offset: 0, length: block }] };
    const expected = hash('sha256', data, 'hex');
    const digest = async (): Promise<string> => Buffer.from((await pool.digest(work)).digests).toString('hex');
    pool.expect(MiB - block);
    expect(await digest()).toBe(expected);
    expect(started).toBe(0);
    pool.expect(MiB);
    expect(await digest()).toBe(expected);
    expect(started).toBe(2);
    expect(await pool.same({ a: file, b: file, pairs: [{ a: 0, b: 0, length: block }] })).toBe(true);
  } finally {
    process.off('worker', count);
  }
});
