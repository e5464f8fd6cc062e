import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { rowsOf, tableOf, type Request, type Row } from './key-table.ts';

const root = join(import.meta.dirname, '../../..');

/** A page below `docs/`; `pages/` beside this file has its text, with comments where tables and files go. */
export interface Page {
  readonly file: string;
  /** The schemas that its tables are of, where a table names none. */
  readonly roots: readonly string[];
  /** Whether each table says for which kinds of plan it is. */
  readonly namesKinds?: boolean;
}

const textOf = ({ file }: Page): string =>
  readFileSync(join(import.meta.dirname, 'pages', file.slice('docs/'.length)), 'utf8');

const keysComment = /<!-- keys(?: of ([\w:, -]+?))?(?: (below|as) (\S+))?: ([^]*?) -->/g;

const requestOf = (page: Page, match: RegExpMatchArray): Request => {
  const [, of, how, prefix, paths = ''] = match;
  return {
    roots: of?.split(', ') ?? page.roots,
    paths: paths.trim().split(/\s+/),
    ...(how === 'below' ? { below: prefix } : how === 'as' ? { as: prefix } : {}),
  };
};

/** All rows of a page's tables. */
export const rowsOfPage = (page: Page): Row[] =>
  [...textOf(page).matchAll(keysComment)].flatMap((match) => rowsOf(requestOf(page, match)));

/** The page's Markdown, not yet formatted. */
export function renderPage(page: Page): string {
  const folder = posix.dirname(page.file);
  const text = textOf(page)
    .split(/^(?=## )/m)
    .map((section) => withTables(page, section))
    .join('')
    .replaceAll(/<!-- file (\S+) -->/g, (_all, name: string) => yaml(readFileSync(join(root, name), 'utf8')))
    .replaceAll('(@docs/', folder === 'docs' ? '(' : `(${posix.relative(folder, 'docs')}/`)
    .replaceAll('(@root/', `(${posix.relative(folder, '.')}/`);
  const strange = /<!--.*/.exec(text)?.[0];
  if (strange !== undefined) throw new Error(`${page.file}: what is ${strange}`);
  return text.replace('\n', `\n\n${notice}\n`);
}

const notice = '<!-- Made from schemas/ and test/tools/plan-docs/pages/ by `npm run docs`; do not edit. -->';

const yaml = (text: string): string => `\`\`\`yaml\n${text.trim()}\n\`\`\``;

function withTables(page: Page, section: string): string {
  let last = '';
  return section.replaceAll(keysComment, (...match) => {
    const request = requestOf(page, match as unknown as RegExpMatchArray);
    const rows = rowsOf(request);
    if (!page.namesKinds || request.roots !== page.roots) return tableOf(rows);
    const kinds = kindsOf(rows, page.roots);
    const begin = kinds === last ? '' : `${kinds}\n\n`;
    last = kinds;
    return begin + tableOf(rows);
  });
}

/** "For plans of kind …", which must be true of every row of the table. */
function kindsOf(rows: readonly Row[], all: readonly string[]): string {
  const lists = rows.map(({ keys }) => [...keys.keys()].join(', '));
  const [kinds = ''] = lists;
  const other = lists.findIndex((list) => list !== kinds);
  if (other !== -1)
    throw new Error(`${rows[0]?.path} is of ${kinds}, ${rows[other]?.path} of ${lists[other]}: make two tables`);
  if (kinds === all.join(', ')) return 'For plans of every kind.';
  return `For plans of kind ${kinds.replaceAll(/\w+/g, '`$&`').replace(/, ([^,]+)$/, ' and $1')}.`;
}
