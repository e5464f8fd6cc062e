import { posix } from 'node:path';
import { highlight } from './highlight.ts';
import { fileOfLink, urlOf, urlOfLinked } from './pages.ts';
import { slugOf } from './slug.ts';

/** What this file uses of markdown-it. */
export interface Token {
  type: string;
  tag: string;
  content: string;
  info: string;
  children: Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}

interface State {
  tokens: Token[];
  env: { page: { inputPath: string } };
  Token: new (type: string, tag: string, nesting: number) => Token;
}

export interface Markdown {
  set(options: object): void;
  core: { ruler: { push(name: string, rule: (state: State) => void): void } };
  renderer: { rules: Record<string, unknown> };
}

/** A part of a page that the search can find: what stands below a heading, or a row of a table. The first has the title of the page. */
export interface Section {
  /** 1 to 6: that of its heading. */
  level: number;
  id: string;
  heading: string;
  text: string;
}

/** Deeper than any heading. */
const rowLevel = 7;

/**
 * Makes Markdown into what the site shows: headings with fragments, links to pages, tables in boxes that scroll.
 *
 * @param onPage is told what the page has, for its table of contents and the search
 */
export function amendMarkdown(
  markdown: Markdown,
  { root, onPage }: { root: string; onPage: (file: string, sections: Section[]) => void },
): void {
  markdown.set({ highlight });
  markdown.renderer.rules['table_open'] = () => '<div class="table"><table>\n';
  markdown.renderer.rules['table_close'] = () => '</table></div>\n';
  markdown.core.ruler.push('site', (state) => {
    const file = posix.normalize(state.env.page.inputPath);
    for (const token of everyToken(state.tokens)) {
      if (token.type === 'link_open') token.attrSet('href', hrefInSite(root, file, token.attrGet('href') ?? ''));
      // `<point>` in a text is a placeholder. Comments stay what they are.
      else if (token.type.startsWith('html_') && !token.content.startsWith('<!--')) token.type = 'text';
    }
    onPage(file, sectionsOf(state));
  });
}

const everyToken = (tokens: readonly Token[]): Token[] => tokens.flatMap((token) => [token, ...(token.children ?? [])]);

function hrefInSite(root: string, file: string, href: string): string {
  const linked = fileOfLink(file, href);
  if (linked === undefined) return href;
  const fragment = /#.*$/.exec(href)?.[0] ?? '';
  return posix.relative(posix.dirname(urlOf(file)), urlOfLinked(root, linked)) + fragment;
}

/** The sections of a page; gives their headings and rows fragments. */
function sectionsOf({ tokens, Token }: State): Section[] {
  const sections: Section[] = [];
  const taken = new Set<string>();
  let heading: Section | undefined;
  let row: Section | undefined;
  for (const [at, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      heading = headingSection(Token, token, tokens[at + 1] as Token, taken);
      sections.push(heading);
    } else if (token.type === 'tr_open') {
      row = rowSection(token, tokens[at + 2], heading, taken);
      if (row) sections.push(row);
    } else if (token.type === 'tr_close') row = undefined;
    else if (tokens[at - 1]?.type !== 'heading_open') addText(row ?? heading, token);
  }
  return sections;
}

function headingSection(Token: State['Token'], open: Token, inline: Token, taken: Set<string>): Section {
  const heading = textOf(inline);
  const section = { level: Number(open.tag.slice(1)), id: slugOf(heading, taken), heading, text: '' };
  open.attrSet('id', section.id);
  if (section.level > 1) inline.children?.push(anchor(Token, section));
  return section;
}

/** A row that begins with one word of code, such as the code of an error or a key of a plan, can be found by itself. */
function rowSection(
  open: Token,
  cell: Token | undefined,
  above: Section | undefined,
  taken: Set<string>,
): Section | undefined {
  const [code, ...more] = cell?.children ?? [];
  if (!above || code?.type !== 'code_inline' || more.length > 0) return undefined;
  const id = slugOf(`row-${code.content}`, taken);
  open.attrSet('id', id);
  const heading = above.level > 1 ? `${above.heading} › ${code.content}` : code.content;
  return { level: rowLevel, id, heading, text: '' };
}

function addText(section: Section | undefined, token: Token): void {
  const text = token.type === 'inline' ? textOf(token) : token.type === 'fence' ? token.content : '';
  if (section && text.trim()) section.text += `${text.trim()} `;
}

const textOf = ({ children }: Token): string =>
  (children ?? [])
    .map((child) => (child.type.endsWith('break') ? ' ' : child.type.startsWith('html') ? '' : child.content))
    .join('');

function anchor(Token: State['Token'], { id }: Section): Token {
  const token = new Token('html_inline', '', 0);
  token.content = ` <a class="anchor" href="#${id}" aria-label="Link to this part">#</a>`;
  return token;
}
