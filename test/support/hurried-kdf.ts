import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { compiled } from './compiled.ts';

/** The library for LD_PRELOAD with which qemu-img measures nothing. */
export const hurriedKdf = (): Promise<string> =>
  compiled(join(import.meta.dirname, 'hurried-kdf.c'), ['-shared', '-fPIC']);

/**
 * In the tests of this file qemu-img makes encrypted images at once, and does not measure for seconds how fast the machine is; see
 * `hurried-kdf.c`. `test/host/images/qemu-img.test.ts` makes some as users do.
 */
export function hurryKdf(): void {
  const before = process.env['LD_PRELOAD'];
  beforeAll(async () => {
    process.env['LD_PRELOAD'] = await hurriedKdf();
  });
  afterAll(() => {
    if (before === undefined) delete process.env['LD_PRELOAD'];
    else process.env['LD_PRELOAD'] = before;
  });
}
