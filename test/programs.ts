import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bundled = (name: string): string => join(root, 'dist/cli', `${name}.js`);

/** The programs as users start them, from the bundle, which `test/global-setup.ts` makes anew where the source is newer. */
export const programs = {
  run: bundled('sendense-run'),
  node: bundled('sendense-node'),
  client: bundled('sendense-backup-client'),
} as const;
