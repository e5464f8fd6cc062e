/**
 * `npm run docs:site`: the documentation as a static site in `site/`, with search. Open site/index.html, a server is not needed.
 *
 *   --out FOLDER   writes it there
 *   --root FOLDER  the checkout whose pages these are
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages } from './install.ts';
import { emptyOutput } from './output.ts';

const { values } = parseArgs({ options: { out: { type: 'string' }, root: { type: 'string' } } });
const root = resolve(values.root ?? join(import.meta.dirname, '../..'));
const out = resolve(values.out ?? join(root, 'site'));

try {
  installPackages(import.meta.dirname);
  emptyOutput(out);
  // Only now: it imports what was just installed.
  const { buildSite } = await import('./generator.ts');
  const pages = await buildSite({ root, out });
  console.log(`${pages} pages: ${join(out, 'index.html')}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
