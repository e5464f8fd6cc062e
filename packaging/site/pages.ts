import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** A Markdown file of the checkout. */
export interface Page {
  /** Path from the root of the checkout. */
  file: string;
  title: string;
  text: string;
}

/** Every page of the site: docs/, examples/, and what lies in the root. */
export function readPages(root: string): Page[] {
  return globSync('{*.md,docs/**/*.md,examples/**/*.md}', { cwd: root })
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return { file, title: titleOf(text) ?? file, text };
    });
}

const titleOf = (text: string): string | undefined => /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '').trim();

/** Whether all that a page says is where it has gone. Old links still find it; neither the sidebar nor the search has it. */
export const hasMoved = ({ text }: Page): boolean => /^This page has moved\.$/m.test(text);

/** Where a Markdown file is in the site. */
export const urlOf = (file: string): string =>
  posix
    .join(posix.dirname(file), posix.basename(file).replace(/^(README|index)\.md$/, 'index.md'))
    .replace(/\.md$/, '.html');

/** The text without code, in which links are no links. */
export const withoutCode = (text: string): string =>
  text.replaceAll(/^( *)(`{3,}|~{3,}).*\n(?:.*\n)*?\1\2.*$/gm, '').replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/g, '');

/** Files and folders of the checkout that a page links to, with its links in their order. */
export function linkedFiles(page: Pick<Page, 'file' | 'text'>): string[] {
  return [...withoutCode(page.text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => fileOfLink(page.file, match[1] ?? ''))
    .filter((file) => file !== undefined);
}

/** What a link of a page leads to, from the root of the checkout; undefined: another part of the page, or another site. */
export function fileOfLink(from: string, href: string): string | undefined {
  const path = decodeURI(href).replace(/#.*$/, '');
  if (path === '' || /^([a-z][a-z0-9+.-]*:|\/)/i.test(path)) return undefined;
  const file = posix.join(posix.dirname(from), path);
  return file === '..' || file.startsWith('../') ? undefined : file.replace(/\/$/, '');
}

/** Where the site has what a link leads to. What is no Markdown has a page that shows it (sources.ts). */
export function urlOfLinked(root: string, file: string): string {
  if (file.endsWith('.md')) return urlOf(file);
  const isFolder = existsSync(join(root, file)) && statSync(join(root, file)).isDirectory();
  return isFolder ? posix.join(file, 'index.html') : `${file}.html`;
}
