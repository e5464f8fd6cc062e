import { posix } from 'node:path';
import { type Section } from './markdown.ts';
import { urlOf } from './pages.ts';
import { type Entry, type Group } from './sidebar.ts';

/** What is shown of a page, in the order of the file. */
interface Parts {
  file: string;
  /** The page's own text. */
  html: string;
  groups: readonly Group[];
  sections: readonly Section[];
}

export function layout({ file, html, groups, sections }: Parts): string {
  const title = sections[0]?.heading ?? file;
  const shown = sections.filter(({ level }) => level === 2 || level === 3);
  const hasContents = shown.length > 1;
  const toRoot = '../'.repeat(file.split('/').length - 1);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${policy}<title>${escape(file === 'README.md' ? title : `${title} - Sendense`)}</title>
<link rel="icon" href="${toRoot}assets/icon.svg">
<link rel="stylesheet" href="${toRoot}assets/style.css">
<script src="${toRoot}assets/theme.js"></script>
<script src="${toRoot}assets/search.js" data-root="${toRoot}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header>
<button class="menu pages" popovertarget="pages" aria-label="Pages">☰</button>
<a class="name" href="${toRoot}index.html">Sendense</a>
<button class="search needs-script" aria-keyshortcuts="/ Control+K">Search <kbd>/</kbd></button>
${hasContents ? '<button class="menu contents" popovertarget="contents" aria-label="On this page">§</button>\n' : ''}<button class="theme needs-script" aria-label="Light or dark" title="Light or dark">◐</button>
</header>
<div class="page">
<nav id="pages" popover aria-label="Pages">
${groups.map((group) => navGroup(file, group)).join('\n')}
</nav>
<main id="content">
${html}</main>
${hasContents ? contents(shown) : ''}</div>
<dialog id="search" aria-label="Search">
<input type="text" enterkeyhint="search" placeholder="Search" aria-label="Search" role="combobox" aria-expanded="false" aria-controls="found" autocomplete="off" spellcheck="false">
<ol id="found" role="listbox" aria-label="Found"></ol>
<p class="hint" role="status"></p>
</dialog>
</body>
</html>
`;
}

/** The browser itself refuses to load anything from elsewhere. */
const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file: data:">
`;

function navGroup(file: string, { title, entries }: Group): string {
  return `${title ? `<p>${escape(title)}</p>\n` : ''}${navList(file, entries)}`;
}

function navList(file: string, entries: readonly Entry[]): string {
  const items = entries.map((entry) => {
    const current = entry.file === file ? ' aria-current="page"' : '';
    const href = posix.relative(posix.dirname(urlOf(file)), urlOf(entry.file));
    const link = `<a href="${href}"${current}>${escape(entry.title)}</a>`;
    if (entry.children.length === 0) return `<li>${link}</li>`;
    const open = holds(entry, file) ? ' open' : '';
    return `<li><details${open}><summary>${link}</summary>\n${navList(file, entry.children)}</details></li>`;
  });
  return `<ul>\n${items.join('\n')}\n</ul>\n`;
}

const holds = (entry: Entry, file: string): boolean =>
  entry.file === file || entry.children.some((child) => holds(child, file));

function contents(sections: readonly Section[]): string {
  const items = sections.map(
    ({ level, id, heading }) => `<li class="level-${level}"><a href="#${id}">${escape(heading)}</a></li>`,
  );
  return `<aside id="contents" popover aria-label="On this page"><p>On this page</p>\n<ul>\n${items.join('\n')}\n</ul></aside>\n`;
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
