import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bundled = (name: string): string => join(root, 'dist/cli', `${name}.js`);

/** The programs as users start them, from the bundle, which `test/global-setup.ts` makes anew where the source is newer. */
export const programs = {
  run: bundled('sendense-run'),
  node: bundled('sendense-node'),
  client: bundled('sendense-backup-client'),
} as const;

/** Where a run of the tests has the programs that only tests start: its own, because another run may be going on. */
export const testProgramsFolder = (run: string): string => join(root, '.toolchain/test-programs', run);

/** A program that only tests start, bundled too: `e2e/resident-child` is made of `test/e2e/resident-child.ts`. */
export const testProgram = (name: `${string}-child`): string =>
  join(testProgramsFolder(process.env['SENDENSE_TEST_RUN'] ?? ''), `${name}.js`);
