import { posix } from 'node:path';
import { hasMoved, linkedFiles, type Page } from './pages.ts';

export interface Entry {
  file: string;
  title: string;
  children: Entry[];
}

export interface Group {
  title: string;
  entries: Entry[];
}

const index = 'docs/README.md';

/**
 * The sidebar as docs/README.md has it: its headings, or its lines that end with a colon, are groups; the links in its tables and lists
 * are entries. Pages of a folder stand below the entry of the folder (`commands/README.md`, or `plans.md` for `plans/`).
 *
 * @throws where docs/README.md leads to no page, or a page of docs/ is reached by nothing
 */
export function sidebar(pages: readonly Page[]): Group[] {
  const byFile = new Map(pages.map((page) => [page.file, page]));
  const text = byFile.get(index)?.text;
  if (text === undefined) throw new Error(`${index} is missing: the sidebar is made from it`);
  const groups = groupsOf(text);
  const listed = groups.flatMap((group) => group.files);
  const gone = listed.filter((file) => !byFile.has(file));
  if (gone.length > 0) throw new Error(`${index} lists what is not there: ${gone.join(', ')}`);

  const belongs = (page: Page): boolean => page.file.startsWith('docs/') && page.file !== index && !hasMoved(page);
  const left = new Set(pages.filter(belongs).map(({ file }) => file));
  for (const file of listed) left.delete(file);
  const entryOf = (file: string, parent: string): Entry => {
    const page = byFile.get(file) as Page;
    const below = pagesBelow(page, [...left]);
    for (const one of below) left.delete(one);
    const title = page.title.startsWith(`${parent} `) ? page.title.slice(parent.length + 1) : page.title;
    return { file, title, children: below.map((one) => entryOf(one, page.title)) };
  };
  const made = groups.map(({ title, files }) => ({ title, entries: files.map((file) => entryOf(file, '')) }));
  if (left.size > 0) throw new Error(`${index} does not list: ${[...left].join(', ')}`);
  const first = [...byFile.values()].filter(({ file }) => file === 'README.md' || file === index);
  return [
    { title: '', entries: first.map(({ file, title }) => ({ file, title, children: [] })) },
    ...made,
    { title: 'The project', entries: othersOf(pages) },
  ];
}

/** Groups with the pages of docs/ that they list, each page once. */
function groupsOf(text: string): { title: string; files: string[] }[] {
  const groups = [{ title: '', files: [] as string[] }];
  const seen = new Set([index]);
  for (const line of text.split('\n')) {
    const title = /^#{2,6} +(.+)$/.exec(line)?.[1] ?? /^(?![|\-*\s\d#])(.+):$/.exec(line)?.[1];
    if (title !== undefined) groups.push({ title: title.replaceAll('`', ''), files: [] });
    if (!/^(\||\s*[-*] |\s*\d+\. )/.test(line)) continue;
    const files = linkedFiles({ file: index, text: line }).filter(
      (file) => /^docs\/.+\.md$/.test(file) && !seen.has(file),
    );
    for (const file of files) seen.add(file);
    groups.at(-1)?.files.push(...files);
  }
  return groups.filter((group) => group.files.length > 0);
}

/**
 * Pages that belong below a page: those of its folder where it is the README of one, those of the folder with its name, and in a folder those
 * whose name continues its own and that it links to (`sendense-run-repo.md`, `sendense-run-repo-gc.md`). In the order of its links.
 */
function pagesBelow(page: Page, left: readonly string[]): string[] {
  const stem = page.file.replace(/\.md$/, '');
  const folder = posix.basename(stem) === 'README' ? posix.dirname(stem) : stem;
  const links = linkedFiles(page);
  const order = (file: string): number => (links.includes(file) ? links.indexOf(file) : links.length);
  const continued = left.filter((file) => file.startsWith(`${stem}-`) && links.includes(file));
  const inFolder = left.filter((file) => posix.dirname(file) === folder || file === `${folder}/README.md`);
  // What another page of the folder leads to is left to that one.
  const own = inFolder.filter((file) => links.includes(file) || !inFolder.some((other) => continues(file, other)));
  return [...continued, ...own].toSorted((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
}

const continues = (file: string, other: string): boolean => file.startsWith(`${other.replace(/\.md$/, '')}-`);

/** The pages that are not of docs/: the README is the first page of the site already. */
function othersOf(pages: readonly Page[]): Entry[] {
  return pages
    .filter(({ file }) => !file.startsWith('docs/') && file !== 'README.md')
    .map(({ file, title }) => ({ file, title, children: [] }))
    .toSorted((a, b) => (a.title < b.title ? -1 : 1));
}
