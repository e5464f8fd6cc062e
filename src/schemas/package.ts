import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The package's root: the folder that holds `schemas/` and `runners/`. Above this file and above what it is bundled into. */
export const packageRoot = rootAbove(import.meta.dirname);

export const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };

/**
 * The file to start as a process or thread: `cli/sendense-backup-client` is the source where this program runs from its
 * source, and the bundle (`rolldown.config.ts` names them) where it is a bundle.
 */
export const startFile = (name: string): string =>
  join(packageRoot, import.meta.filename.endsWith('.ts') ? `src/${name}.ts` : `dist/${name}.js`);

/** As {@link startFile}, but the bundle also where nothing in the source is newer: for what takes long to start from its source. */
export function quickStartFile(name: string): string {
  if (!import.meta.filename.endsWith('.ts')) return startFile(name);
  const bundle = join(packageRoot, `dist/${name}.js`);
  // Made when the bundling began.
  const built = timeOf(join(packageRoot, 'dist/.built'));
  const source = join(packageRoot, 'src');
  const isCurrent = (): boolean =>
    readdirSync(source, { recursive: true, encoding: 'utf8' }).every((file) => timeOf(join(source, file)) < built);
  return existsSync(bundle) && isCurrent() ? bundle : startFile(name);
}

const timeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function rootAbove(folder: string): string {
  const root = dirname(folder);
  return root === folder || existsSync(join(root, 'runners')) ? root : rootAbove(root);
}
