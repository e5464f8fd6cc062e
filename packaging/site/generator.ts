import { globSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import BuildTool, { type Config } from '@11ty/eleventy';
import { wrongLinks } from './check-links.ts';
import { layout } from './layout.ts';
import { amendMarkdown, type Section } from './markdown.ts';
import { hasMoved, readPages, urlOf } from './pages.ts';
import { searchIndex } from './search-index.ts';
import { sidebar } from './sidebar.ts';
import { sourcePages } from './sources.ts';

interface Site {
  root: string;
  out: string;
}

/**
 * Builds the site.
 *
 * @returns how many pages it has
 * @throws where a link leads nowhere, or a page is not in the sidebar
 */
export async function buildSite(site: Site): Promise<number> {
  await buildTool(site).write();
  const files = globSync('**/*.*', { cwd: site.out });
  const text = (file: string): string => (/\.(html|css)$/.test(file) ? readFileSync(join(site.out, file), 'utf8') : '');
  const wrong = wrongLinks(new Map(files.map((file) => [file, text(file)])));
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return files.filter((file) => file.endsWith('.html')).length;
}

function buildTool({ root, out }: Site): BuildTool {
  // Eleventy counts every path from here.
  process.chdir(root);
  return new BuildTool('.', posix.relative(root, out) || '.', {
    quietMode: true,
    configPath: posix.relative(root, join(import.meta.dirname, 'eleventy.config.ts')),
    config: (config) => configure(config, { root, out }),
  });
}

function configure(config: Config, { root, out }: Site): void {
  config.setQuietMode(true);
  config.setTemplateFormats(['md']);
  config.setDataFileSuffixes([]);
  config.setUseGitIgnore(false);
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (entry.isDirectory() && !['docs', 'examples'].includes(entry.name)) config.ignores.add(`${entry.name}/**`);
  }
  config.addGlobalData(
    'permalink',
    () =>
      ({ page }: { page: { inputPath: string } }) =>
        urlOf(posix.normalize(page.inputPath)),
  );

  const pages = readPages(root);
  const sources = sourcePages(root, pages);
  for (const { file, text } of sources) config.addTemplate(file, text);
  const groups = sidebar(pages);

  const sections = new Map<string, Section[]>();
  config.amendLibrary('md', (markdown) =>
    amendMarkdown(markdown, { root, onPage: (file, found) => sections.set(file, found) }),
  );
  config.addTransform('layout', function (html) {
    const file = posix.normalize(this.page.inputPath);
    return layout({ file, html, groups, sections: sections.get(file) ?? [] });
  });
  const own = (path: string): string => posix.relative(root, join(import.meta.dirname, path));
  config.addPassthroughCopy({
    'docs/pictures': 'docs/pictures',
    [own('client')]: 'assets',
    [own('node_modules/minisearch/dist/umd/index.js')]: 'assets/minisearch.js',
    [own('node_modules/minisearch/LICENSE.txt')]: 'assets/minisearch.LICENSE.txt',
  });
  config.on('eleventy.after', () => {
    // A single file, such as openapi.json, is for programs: it has every word, and would be found for each.
    const single = sources.filter(({ file }) => !file.endsWith('/index.md'));
    const left = new Set([...single, ...pages.filter(hasMoved)].map(({ file }) => file));
    const found = new Map([...sections].filter(([file]) => !left.has(file)));
    writeFileSync(join(out, 'assets/search-index.js'), searchIndex(found));
  });
}
