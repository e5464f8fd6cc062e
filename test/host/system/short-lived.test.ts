import { expect, test } from 'vitest';
import { madeShortLived } from '../../../src/host/system/short-lived.ts';

test('buffers that nobody holds do not add up', () => {
  const MiB = 2 ** 20;
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let round = 0; round < 256; round++) {
    madeShortLived(MiB);
    Buffer.allocUnsafe(MiB).fill(round);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(most).toBeLessThan(40 * MiB);
});
