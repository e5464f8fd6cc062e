import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '../..');

/** The programs that only tests start (`*-child.ts`), bundled as those of the product are, because they start three times as fast then. */
export async function bundleTestPrograms(folder: string): Promise<void> {
  const names = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('-child.ts'),
  );
  await build({
    cwd: root,
    input: Object.fromEntries(names.map((name) => [name.slice(0, -'.ts'.length), join('test', name)])),
    platform: 'node',
    external: [/^better-sqlite3$/, /^ssh2$/, /^vitest/],
    output: { dir: folder, entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
    logLevel: 'silent',
  });
}
