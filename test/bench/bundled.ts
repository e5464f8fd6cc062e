import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { packageRoot } from '../../src/schemas/package.ts';

/**
 * A module as the programs have it: bundled, so that neither it nor its threads spend time on taking types off. The
 * threads come from `dist/`, which must be up to date (`npm run build`).
 * @param name of a TypeScript file in this folder
 */
export async function bundled<T>(name: string): Promise<AsyncDisposable & { readonly module: T }> {
  await mkdir(join(packageRoot, 'dist'), { recursive: true });
  const dir = await mkdtemp(join(packageRoot, 'dist', 'bench-'));
  try {
    const input = { bundle: join(import.meta.dirname, name) };
    const build = await rolldown({ input, cwd: packageRoot, platform: 'node', external: ['better-sqlite3', 'ssh2'] });
    await build.write({ dir, entryFileNames: '[name].js' });
    await build.close();
    const module = (await import(pathToFileURL(join(dir, 'bundle.js')).href)) as T;
    return { module, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}
