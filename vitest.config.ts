import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { testProgramsFolder } from './test/programs.ts';
import SlowestFirst from './test/runner/slowest-first.ts';
import { temporaryParent } from './test/runner/temporary-parent.ts';

// Every process that a test starts inherits these two (test/global-setup.ts), so that what is left behind at the end can be told from what
// other programs do on this machine. The folder's name is short: Unix sockets allow 107 characters.
const SENDENSE_TEST_RUN = randomUUID();
const TMPDIR = join(temporaryParent(), `st-${SENDENSE_TEST_RUN.slice(0, 8)}`);
// Programs of Node start in half the time where they find what was compiled before.
const NODE_COMPILE_CACHE = join(testProgramsFolder(SENDENSE_TEST_RUN), 'compiled');
// test/run.ts gives one and says it.
const SEED = process.env['SEED'] ?? String(randomInt(2 ** 31));

export default defineConfig({
  plugins: [
    {
      // What runs inside of the tests starts the bundled programs too: three times as fast as from the source.
      name: 'start-the-bundle',
      enforce: 'pre',
      transform(code, id) {
        if (!id.endsWith('/src/schemas/package.ts')) return;
        const bundled = code.replace("import.meta.filename.endsWith('.ts')", 'false');
        if (bundled === code)
          throw new Error('startFile of src/schemas/package.ts has changed: look at vitest.config.ts');
        return bundled;
      },
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/runner/measure.ts', 'test/runner/seed.ts'],
    sequence: { sequencer: SlowestFirst },
    pool: 'forks',
    // Test files leave behind nothing that the next one in their process could stumble over.
    isolate: false,
    // Twice the cores of the CI machine: tests wait for programs, timers and lines. More only let each of them wait longer.
    maxWorkers: 4,
    env: { TMPDIR, SENDENSE_TEST_RUN, SEED, NODE_COMPILE_CACHE, NO_COLOR: '1' },
    provide: { TMPDIR, SENDENSE_TEST_RUN },
    // Bounds on waits, not guesses at their length: other work on the machine may make all of it ten times as slow.
    testTimeout: 300_000,
    // A hook makes ready what all tests of its file share: a hub, its users, a backup.
    hookTimeout: 400_000,
    expect: { poll: { timeout: 200_000 } },
    teardownTimeout: 20_000,
    slowTestThreshold: 3_000,
    // Everything is real here: no test is repeated until it passes, no double outlives its test.
    retry: 0,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
