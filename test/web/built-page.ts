import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface BuiltPage extends Disposable {
  /** What `standIn` serves. */
  readonly folder: string;
}

/** The page as it is now, built. */
export function builtPage(): BuiltPage {
  const root = join(import.meta.dirname, '../..');
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  execFileSync(join(root, 'node_modules/.bin/rolldown'), ['-c', '--logLevel', 'silent', '-d', folder], {
    cwd: root,
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  return {
    folder: join(folder, 'web'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
