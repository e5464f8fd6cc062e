/** Where in a YAML text a position is. */
export interface YamlPlace {
  /** Keys that lead there; `*` stands for an entry of a list. At a value the last one is its key. */
  readonly path: readonly string[];
  readonly at: 'key' | 'value';
  /** What stands before the position of the word that it is in. */
  readonly word: string;
  /** Keys that stand beside it in the same mapping, as far as it is written in lines of its own. */
  readonly beside: readonly string[];
}

/** A line as YAML reads it: dashes of lists, and the first key. Columns count from 0. */
interface Line {
  readonly dashes: readonly number[];
  /** Of the first character behind the dashes. */
  readonly column: number;
  readonly key: string | null;
}

function readLine(text: string): Line | null {
  const [start = ''] = /^(?: *- +)*(?: *-$)? */.exec(text) ?? [];
  const rest = text.slice(start.length);
  if (rest.startsWith('#') || (rest === '' && !start.includes('-'))) return null;
  const dashes = [...start.matchAll(/-/g)].map(({ index }) => index);
  const key = /^(["']?)([^"'\s:{}[\],#][^"':{}[\],#]*?)\1\s*:(?=\s|$)/.exec(rest)?.[2] ?? null;
  return { dashes, column: start.length, key };
}

/** Where a position is. What is wrong elsewhere in the text does not matter. @param line counts from 0, as `column` does */
export function placeAt(lines: readonly string[], line: number, column: number): YamlPlace {
  const before = (lines[line] ?? '').slice(0, column);
  const [start = ''] = /^(?: *- +)* */.exec(before) ?? [];
  const here = readFlow(before.slice(start.length));
  const dashes = [...start.matchAll(/-/g)].map(({ index }) => index);
  const path = [...pathTo(lines, line, dashes, start.length), ...here.path];
  return {
    path,
    at: here.value ? 'value' : 'key',
    word: here.word,
    beside: here.path.length === 0 ? beside(lines, line, start.length) : [],
  };
}

/** Keys and lists around what begins at a column of a line. */
function pathTo(lines: readonly string[], line: number, dashes: readonly number[], column: number): string[] {
  const path: string[] = dashes.map(() => '*');
  let [limit, inList] = dashes[0] === undefined ? [column, false] : [dashes[0], true];
  for (let at = line - 1; at >= 0 && (limit > 0 || inList); at--) {
    const found = readLine(lines[at] ?? '');
    if (!found) continue;
    // The dash of a list may stand below the first letter of the key that holds it.
    if (found.key !== null && (inList ? found.column <= limit : found.column < limit)) {
      path.unshift(found.key);
      [limit, inList] = [found.column, false];
    }
    for (const dash of found.dashes.toReversed()) {
      if (dash >= limit) continue;
      path.unshift('*');
      [limit, inList] = [dash, true];
    }
  }
  return path;
}

/** What is open at the end of a piece of a line: `vm: { name: x, so` is in `vm`, at a key that begins with `so`. */
function readFlow(text: string): { readonly path: readonly string[]; readonly value: boolean; readonly word: string } {
  const open: { readonly key: string | null; readonly list: boolean }[] = [];
  let key: string | null = null;
  let word = '';
  for (const [index, sign] of [...text].entries()) {
    const next = text[index + 1];
    if (sign === '{' || sign === '[') {
      open.push({ key, list: sign === '[' });
      key = null;
      word = '';
    } else if (sign === '}' || sign === ']') {
      open.pop();
      key = null;
      word = '';
    } else if (sign === ',' && open.length > 0) {
      key = null;
      word = '';
    } else if (sign === ':' && key === null && (next === undefined || next === ' ')) {
      key = word.trim().replaceAll(/^["']|["']$/g, '');
      word = '';
    } else word += sign;
  }
  const path = open.flatMap((frame) => [...(frame.key === null ? [] : [frame.key]), ...(frame.list ? ['*'] : [])]);
  const inList = open.at(-1)?.list === true && key === null;
  return { path: key === null ? path : [...path, key], value: key !== null || inList, word: word.trimStart() };
}

function beside(lines: readonly string[], line: number, column: number): string[] {
  const keys: string[] = [];
  for (const step of [-1, 1])
    for (let at = line + step; at >= 0 && at < lines.length; at += step) {
      const found = readLine(lines[at] ?? '');
      if (!found) continue;
      if (found.column < column || (step === 1 && found.dashes.some((dash) => dash < column))) break;
      if (found.column === column && found.key !== null) keys.push(found.key);
      if (found.column === column && found.dashes.length > 0) break;
    }
  return keys;
}
