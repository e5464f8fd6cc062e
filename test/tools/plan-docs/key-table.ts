import { choicesOf, defaultOf, explanationOf, valueOf } from './key-words.ts';
import { keysOfRoot, type Key } from './schema-keys.ts';

/** One row: a key, and the schemas that have just this key. */
export interface Row {
  /** As the page shows it. */
  readonly shown: string;
  readonly path: string;
  readonly keys: ReadonlyMap<string, Key>;
}

/** What a page asks for: keys of these schemas, by path. */
export interface Request {
  readonly roots: readonly string[];
  readonly paths: readonly string[];
  /** What stands before each path and is not shown. */
  readonly below?: string | undefined;
  /** What is shown before each path and is not a part of it. */
  readonly as?: string | undefined;
}

export function rowsOf({ roots, paths, below, as }: Request): Row[] {
  const all = new Map(roots.map((root) => [root, keysOfRoot(root)] as const));
  const whole = (short: string): string => (below === undefined ? short : `${below}.${short}`);
  const first = whole(paths[0] ?? '');
  return paths.map((short) => {
    const path = whole(short);
    return { shown: as === undefined ? short : `${as}.${short}`, path, keys: keysAt(all, path, first) };
  });
}

type AllKeys = ReadonlyMap<string, ReadonlyMap<string, Key>>;

/**
 * Of the schemas that have the key those that agree with the first of them on what it is.
 * @param beside another key: where that one is of one of several forms, this one is of the same
 */
function keysAt(all: AllKeys, path: string, beside: string): Map<string, Key> {
  const found = [...all].flatMap(([root, keys]) => {
    const key = keys.get(beside)?.form?.get(path) ?? keys.get(path);
    return key ? [[root, key] as const] : [];
  });
  const first = found[0]?.[1];
  if (!first) throw new Error(`there is no key ${path} in ${[...all.keys()].join(', ')}`);
  return new Map(found.filter(([, key]) => isSame(key, first)));
}

/** The same value and meaning; defaults may differ. */
export const isSame = (one: Key, other: Key): boolean =>
  valueOf(one) === valueOf(other) &&
  (explanationOf(one) === explanationOf(other) || explanationOf(one) === '' || explanationOf(other) === '');

/** The table, and below it a list with what each key means. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ shown, keys }) => {
    const [key] = keys.values();
    return `| \`${shown}\` | ${valueOf(key as Key)} | ${defaultCell(keys)} |`;
  });
  const table = ['| key | value | default |', '| --- | --- | --- |', ...cells].join('\n');
  const texts = rows.map(entryOf).filter((text) => text !== '');
  return texts.length === 0 ? table : `${table}\n\n${texts.join('\n')}`;
}

/** One default for all schemas, or `10m; 30m (prune, verify)`. */
function defaultCell(keys: ReadonlyMap<string, Key>): string {
  const byDefault = Map.groupBy(keys, ([, key]) => defaultOf(key));
  const [most, ...others] = [...byDefault].toSorted(([, one], [, other]) => other.length - one.length);
  return [most?.[0] ?? '', ...others.map(([words, same]) => `${words} (${same.map(([root]) => root).join(', ')})`)]
    .filter((words) => words !== '')
    .join('; ');
}

function entryOf({ shown, keys }: Row): string {
  const [key] = keys.values() as Iterable<Key>;
  const text = key ? explanationOf(key) : '';
  if (!key || text === '') return '';
  const { intro, choices } = partsOf(text, choicesOf(key));
  const [only] = choices;
  if (intro === '' && only && choices.length === 1)
    return wrapped(`- \`${shown}: ${only.words.join(', ')}\`: ${only.meaning}`, 2);
  return [
    wrapped(`- \`${shown}\`${intro === '' ? ':' : `: ${intro}`}`, 2),
    ...choices.map(({ words, meaning }) =>
      wrapped(`  - ${words.map((word) => `\`${word}\``).join(', ')}: ${meaning}`, 4),
    ),
  ].join('\n');
}

interface Parts {
  readonly intro: string;
  readonly choices: readonly { readonly words: readonly string[]; readonly meaning: string }[];
}

/** `How. auto: this. full: that. Default: those.` -> what is said of all values, and of each of those that are named. */
function partsOf(text: string, named: readonly string[]): Parts {
  const fallback = / Default: .*$/.exec(text)?.[0] ?? '';
  const body = text.slice(0, text.length - fallback.length);
  const words = named.map((word) => word.replaceAll(/[^\w-]/g, '.')).join('|') || '(?!)';
  const starts = [...body.matchAll(new RegExp(`(?:^|(?<=[.:;)] ))((?:${words})(?:, (?:${words}))*): `, 'g'))];
  const choices = starts.map((match, index) => ({
    words: (match[1] ?? '').split(', '),
    meaning: escaped(body.slice(match.index + match[0].length, starts[index + 1]?.index ?? body.length).trim()),
  }));
  return { intro: escaped((body.slice(0, starts[0]?.index ?? body.length).trim() + fallback).trim()), choices };
}

/** Plain text of a schema as Markdown: what Markdown would take for its own is escaped, and names of files become links. */
const escaped = (text: string): string =>
  text
    .replaceAll(/`[^`]*`|[*<]/g, (part) => (part.length > 1 ? part : `\\${part}`))
    .replaceAll(/\bdocs\/([\w-]+\.md)\b/g, '[$1](@docs/$1)')
    .replaceAll(/\b(schemas\/[\w/-]+\.json)\b/g, '[$1](@root/$1)');

const width = 120;

/** Words that stand in one code span stay on one line. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  const start = /^ */.exec(text)?.[0] ?? '';
  for (const word of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push((last === undefined ? start : ' '.repeat(indent)) + word);
  }
  return lines.join('\n');
}
