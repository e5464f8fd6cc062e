import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import type { EntryType, WalkFilter } from '../protocol.ts';

interface Filter {
  /** By what a folder says of the name, before the entry is looked at. */
  mayFit(name: Buffer, type: EntryType): boolean;
  fits(stats: BigIntStats): boolean;
  /** How many folders deep. */
  readonly depth: number;
}

export function filterOf(asked: WalkFilter): Filter {
  const flags = asked.ignoreCase ? 'isu' : 'su';
  const patterns = asked.names?.map((pattern) => new RegExp(`^(?:${regexOf(pattern)})$`, flags));
  const since = asked.since === undefined ? null : BigInt(asked.since);
  const until = asked.until === undefined ? null : BigInt(asked.until);
  return {
    depth: asked.depth ?? Number.POSITIVE_INFINITY,
    mayFit: (name, type) =>
      (asked.type === undefined || asked.type === type) &&
      (patterns === undefined || patterns.some((pattern) => pattern.test(textOf(name)))),
    fits: ({ size, mtimeNs }) =>
      size >= (asked.minBytes ?? 0) &&
      size <= (asked.maxBytes ?? Number.POSITIVE_INFINITY) &&
      (since === null || mtimeNs >= since) &&
      (until === null || mtimeNs <= until),
  };
}

/** A name that is not UTF-8 has a character for each byte. */
const textOf = (name: Buffer): string => name.toString(isUtf8(name) ? 'utf8' : 'latin1');

/** A shell pattern: `*`, `?`, `[a-z]`, `[!a]`, and a backslash before what stands for itself. Source: fnmatch(3). */
export function regexOf(pattern: string): string {
  let regex = '';
  const letters = [...pattern];
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] ?? '';
    const end = letter === '[' ? letters.indexOf(']', at + 2) : -1;
    if (letter === '*') regex += '.*';
    else if (letter === '?') regex += '.';
    else if (end > 0) {
      regex += classOf(letters.slice(at + 1, end));
      at = end;
    } else regex += quoted(letter === '\\' && at + 1 < letters.length ? (letters[++at] ?? '') : letter);
  }
  return regex;
}

function classOf(letters: readonly string[]): string {
  const negated = letters[0] === '!' || letters[0] === '^';
  const body = (negated ? letters.slice(1) : letters)
    .map((letter) => (/[\]\\^]/u.test(letter) ? `\\${letter}` : letter))
    .join('');
  return `[${negated ? '^' : ''}${body}]`;
}

const quoted = (letter: string): string => letter.replaceAll(/[$()*+./?[\\\]^{|}]/gu, String.raw`\$&`);
