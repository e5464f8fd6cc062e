import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Every process that a test starts inherits these two (test/global-setup.ts), so that what is left behind at the end can be told from what
// other programs do on this machine. The folder's name is short: Unix sockets allow 107 characters.
const SENDENSE_TEST_RUN = randomUUID();
const TMPDIR = join(tmpdir(), `st-${SENDENSE_TEST_RUN.slice(0, 8)}`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    env: { TMPDIR, SENDENSE_TEST_RUN, NO_COLOR: '1' },
    provide: { TMPDIR, SENDENSE_TEST_RUN },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 20_000,
    slowTestThreshold: 3_000,
    // Everything is real here: no test is repeated until it passes, no double outlives its test.
    retry: 0,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
