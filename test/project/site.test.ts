import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { wrongLinks } from '../../packaging/site/check-links.ts';
import { emptyOutput } from '../../packaging/site/output.ts';
import { fileOfLink, hasMoved, readPages, urlOf, withoutCode, type Page } from '../../packaging/site/pages.ts';
import { sidebar, type Entry } from '../../packaging/site/sidebar.ts';
import { slugOf } from '../../packaging/site/slug.ts';
import { sourcePages } from '../../packaging/site/sources.ts';
import { testAtFullLength } from '../support/at-full-length.ts';

const root = join(import.meta.dirname, '../..');
const site = join(root, 'packaging/site');
const docs = readPages(root)
  .filter((one) => one.file.startsWith('docs/') && !hasMoved(one))
  .map(({ file }) => file);
const page = (file: string, text: string): Page => ({ file, title: /^# (.+)/m.exec(text)?.[1] ?? file, text });
const flat = (entries: readonly Entry[]): string[] =>
  entries.flatMap(({ file, children }) => [file, ...flat(children)]);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'site-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the sidebar', () => {
  test('has every page of docs/ once', () => {
    const files = sidebar(readPages(root)).flatMap((group) => flat(group.entries));
    expect(files.filter((file) => file.startsWith('docs/')).toSorted()).toEqual(docs.toSorted());
    expect(files).toEqual([...new Set(files)]);
  });

  test('has the groups and the order of docs/README.md, and folders below their entry', () => {
    const groups = sidebar([
      page('README.md', '# Name'),
      page('CHANGELOG.md', '# Changelog'),
      page(
        'docs/README.md',
        '# Docs\n\nFor all:\n\n| [b](b.md) |\n| [t](tool/README.md) |\n\n## More\n\n- [a](a.md#x)\n\nSee [b](b.md).',
      ),
      page('docs/old.md', '# Old\n\nThis page has moved.\n\n- [a](a.md)'),
      page('docs/a.md', '# A\n\n[second](a/y.md), `[no](a/x.md)`'),
      page('docs/a/x.md', '# X'),
      page('docs/a/y.md', '# Y'),
      page('docs/b.md', '# B'),
      page('docs/tool/README.md', '# tool\n\n[run](tool-run.md) [do](tool-do.md)'),
      page('docs/tool/tool-do.md', '# tool do'),
      page('docs/tool/tool-run.md', '# tool run\n\n[fast](tool-run-fast.md)'),
      page('docs/tool/tool-run-fast.md', '# tool run fast'),
    ]);
    const lines = (entries: readonly Entry[], indent = ''): string[] =>
      entries.flatMap(({ title, children }) => [indent + title, ...lines(children, `${indent}  `)]);
    expect(groups.map(({ title, entries }) => [title, ...lines(entries)])).toEqual([
      ['', 'Name', 'Docs'],
      ['For all', 'B', 'tool', '  run', '    fast', '  do'],
      ['More', 'A', '  Y', '  X'],
      ['The project', 'Changelog'],
    ]);
  });

  test('is refused where docs/README.md lists what is not there, or leaves out a page', () => {
    const index = page('docs/README.md', '- [a](a.md)');
    expect(() => sidebar([index])).toThrow('docs/README.md lists what is not there: docs/a.md');
    const [a, b] = [page('docs/a.md', '# A'), page('docs/b.md', '# B')];
    expect(() => sidebar([index, a, b])).toThrow('docs/README.md does not list: docs/b.md');
  });
});

describe('links', () => {
  test('the fragments of all pages are those of headings', () => {
    const pages = readPages(root);
    const slugs = new Map(pages.map(({ file, text }) => [file, slugsOf(text)]));
    const broken = pages.flatMap(({ file, text }) =>
      [...withoutCode(text).matchAll(/\]\(([^)\s]*)#([^)\s]+)\)/g)]
        .map(([, path = '', fragment = '']) => ({ target: path ? fileOfLink(file, path) : file, fragment }))
        .filter(({ target, fragment }) => target !== undefined && slugs.get(target)?.has(fragment) !== true)
        .map(({ target, fragment }) => `${file}: ${target}#${fragment}`),
    );
    expect(broken).toEqual([]);
  });

  test('headings have the fragments of forges', () => {
    const taken = new Set<string>();
    const slugs = ['What `check` finds?', 'a.b: C_d, “e” — f', 'Twice', 'Twice', 'Schlüssel/Wert'].map((heading) =>
      slugOf(heading, taken),
    );
    expect(slugs).toEqual(['what-check-finds', 'ab-c_d-e--f', 'twice', 'twice-1', 'schlüsselwert']);
  });

  test('what leads nowhere is found, and what would be loaded from elsewhere', () => {
    const html = [
      '<link rel="stylesheet" href="a/style.css"><script src="https://cdn.example/x.js"></script>',
      '<h2 id="here"><a href="#here">x</a></h2> <a href="#gone">x</a> <a href="a/b.html#there">x</a> <a href="a/b.html#not">x</a>',
      '<a href="a/c.html">x</a> <a href="https://example.org/">may be elsewhere</a>',
    ].join('\n');
    const files = {
      'index.html': html,
      'a/b.html': '<h2 id="there"></h2><a href="../index.html">x</a>',
      'a/style.css': 'a { background: url(//cdn.example/a.png) }',
    };
    expect(wrongLinks(new Map(Object.entries(files)))).toEqual([
      'index.html loads https://cdn.example/x.js',
      'index.html: #gone leads nowhere',
      'index.html: a/b.html#not leads nowhere',
      'index.html: a/c.html leads nowhere',
      'a/style.css loads //cdn.example/a.png',
    ]);
  });

  test('a folder or file that is no Markdown gets a page, but nothing outside of the checkout does', () => {
    mkdirSync(join(folder, 'examples'));
    writeFileSync(join(folder, 'examples/plan.yaml'), 'a: "```"\n');
    const pages = sourcePages(folder, [
      page('docs/a.md', '[x](../examples/) [y](../examples/plan.yaml) [z](../../etc/passwd) `[n](../examples)`'),
    ]);
    expect(pages.map(({ file }) => urlOf(file))).toEqual(['examples/index.html', 'examples/plan.yaml.html']);
    expect(pages[0]?.text).toBe('# `examples/`\n\n## `plan.yaml`\n\n````yaml\na: "```"\n````\n');
  });
});

test('a folder that no build wrote is not emptied', () => {
  emptyOutput(join(folder, 'site'));
  writeFileSync(join(folder, 'site/old.html'), '');
  emptyOutput(join(folder, 'site'));
  expect(readdir('site')).toEqual(['.sendense-site']);
  writeFileSync(join(folder, 'mine'), '');
  expect(() => emptyOutput(folder)).toThrow('has files that no build of the site wrote');
  expect(readdir('.')).toContain('mine');
});

const build = (from: string) =>
  execa({ reject: false, timeout: 300_000 })(process.execPath, [
    join(site, 'build.ts'),
    '--root',
    from,
    '--out',
    join(folder, 'out'),
  ]);
const read = (file: string): string => readFileSync(join(folder, 'out', file), 'utf8');

testAtFullLength('the built site has every page, and asks nobody for anything', async () => {
  const { exitCode, stderr } = await build(root);
  expect(stderr).not.toContain('leads nowhere');
  expect(exitCode).toBe(0);
  const files = globSync('**/*.*', { cwd: join(folder, 'out') });
  expect(files).toEqual(expect.arrayContaining(['index.html', 'CHANGELOG.html', ...docs.map((file) => urlOf(file))]));

  for (const file of files.filter((name) => name.endsWith('.html'))) {
    const html = read(file);
    expect(html, file).toContain(`http-equiv="Content-Security-Policy" content="default-src 'none';`);
    const loaded = [...html.matchAll(/<(?:link|script|img)\s[^>]*?(?:href|src)="([^"]*)"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(loaded.length, file).toBeGreaterThan(2);
    for (const target of loaded) expect(target, file).toMatch(/^(\.\.\/)*assets\//);
  }
  expect(read('assets/style.css')).not.toMatch(/url\(|@import|@font-face/);
  expect(read('docs/expressions.html')).toContain('${{');

  const rows = JSON.parse(/\[[^]*\]/.exec(read('assets/search-index.js'))?.[0] ?? '') as string[][];
  const found = (word: string): string[] => rows.filter((row) => row.join(' ').includes(word)).map(([url = '']) => url);
  expect(found('settings.untrusted')).toContain('docs/errors.html#row-settingsuntrusted');
  expect(found('qemu-img')).toEqual(expect.arrayContaining(['index.html#restore-from-a-bare-repository']));
  for (const file of docs)
    expect(
      rows.some(([url]) => url?.startsWith(urlOf(file))),
      file,
    ).toBe(true);
});

testAtFullLength('a build is refused where a link leads nowhere', async () => {
  const from = join(folder, 'from');
  const files = {
    'README.md': '# Name\n\n[docs](docs/)',
    'docs/README.md': '# Docs\n\n- [a](a.md)',
    'docs/a.md': '# A\n\n[x](../README.md#gone)\n\n`${{ a }}` {{ b }} {% c %} <d>',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(from, file)), { recursive: true });
    writeFileSync(join(from, file), text);
  }
  expect(await build(from)).toMatchObject({ exitCode: 1, stderr: 'docs/a.html: ../index.html#gone leads nowhere' });
  expect(read('docs/a.html')).toContain('<code>${{ a }}</code> {{ b }} {% c %} &lt;d&gt;');
});

const readdir = (name: string): string[] => globSync('{*,.*}', { cwd: join(folder, name) });

function slugsOf(text: string): Set<string> {
  const taken = new Set<string>();
  const fences = /^( *)(`{3,}).*\n(?:.*\n)*?\1\2$/gm;
  for (const [, heading = ''] of text.replaceAll(fences, '').matchAll(/^#{1,6} (.+)$/gm)) {
    slugOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'), taken);
  }
  return taken;
}
