import { isUtf8 } from 'node:buffer';
import { shellPattern } from '../shell-pattern.ts';
import { bytesOfShown } from '../shown.ts';

/** Fits paths, name by name. */
export interface PathPattern {
  /** The path before the first name with a wildcard, as it is written. */
  readonly base: string;
  /** Fits what is below that; bytes, without a slash at the beginning. */
  fits(path: Buffer): boolean;
  /** How many folders below that a path may be. */
  readonly depth: number;
  /** Shell pattern of the last name, for the walk; null: the walk looks at every name. */
  readonly lastName: string | null;
}

const wildcard = /[*?[]/;
const anyFolders = '**';

export const hasWildcard = (path: string): boolean => wildcard.test(path);

/**
 * `*` and `?` fit characters of one name, also a dot at its beginning, `[a-z]` one of several, and `**` any number of folders. A name
 * that is not UTF-8 has a character for each byte.
 */
export function pathPattern(path: string): PathPattern {
  const names = namesOf(path);
  const first = names.findIndex((name) => wildcard.test(name));
  const wild = first < 0 ? [] : names.slice(first);
  const last = wild.at(-1) ?? '';
  return {
    base: names.slice(0, first < 0 ? names.length : first).join('/'),
    fits: fitting(wild.map(nameTest)),
    depth: wild.includes(anyFolders) ? Number.POSITIVE_INFINITY : wild.length,
    lastName: /^[\u0020-\u005b\u005d-\u007e]+$/.test(last) && last !== anyFolders ? last : null,
  };
}

/**
 * Fits what is left out: a pattern that begins with a slash fits a whole path, another one a name in any folder.
 * @returns a test of a path of bytes, without a slash at its beginning
 */
export function exclusion(patterns: readonly string[]): (path: Buffer) => boolean {
  const tests = patterns.map((text) => {
    const names = namesOf(text);
    return fitting((text.startsWith('/') ? names : [anyFolders, ...names]).map(nameTest));
  });
  return (path) => tests.some((fits) => fits(path));
}

type NameTest = ((name: Buffer) => boolean) | typeof anyFolders;

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');

function nameTest(name: string): NameTest {
  if (name === anyFolders) return anyFolders;
  const bytes = bytesOfShown(name);
  const pattern = (encoding: BufferEncoding): ((text: string) => boolean) =>
    shellPattern(bytes.toString(encoding).replaceAll('\\', '\\\\'));
  const [text, single] = [pattern('utf8'), pattern('latin1')];
  return (given) => (isUtf8(given) ? text(given.toString()) : single(given.toString('latin1')));
}

/** Goes through the names once, whatever the pattern: `at` holds the places of the pattern that have been reached. */
function fitting(tests: readonly NameTest[]): (path: Buffer) => boolean {
  const reach = (places: Iterable<number>): Set<number> => {
    const reached = new Set<number>();
    for (let place of places) {
      reached.add(place);
      while (tests[place] === anyFolders) reached.add(++place);
    }
    return reached;
  };
  return (path) => {
    let at = reach([0]);
    for (const name of splitPath(path)) {
      const next: number[] = [];
      for (const place of at) {
        const test = tests[place];
        if (test === anyFolders) next.push(place);
        else if (test?.(name)) next.push(place + 1);
      }
      at = reach(next);
    }
    return at.has(tests.length);
  };
}

/** The names of a path. */
export function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from < path.length;) {
    const slash = path.indexOf(0x2f, from);
    const end = slash < 0 ? path.length : slash;
    if (end > from) names.push(path.subarray(from, end));
    from = end + 1;
  }
  return names;
}
