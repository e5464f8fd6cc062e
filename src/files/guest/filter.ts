import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import type { EntryType, WalkFilter } from '../protocol.ts';
import { shellPattern } from '../shell-pattern.ts';

interface Filter {
  /** By what a folder says of the name, before the entry is looked at. */
  mayFit(name: Buffer, type: EntryType): boolean;
  fits(stats: BigIntStats): boolean;
  /** How many folders deep. */
  readonly depth: number;
}

export function filterOf(asked: WalkFilter): Filter {
  const ignoreCase = asked.ignoreCase ?? false;
  const patterns = asked.names?.map((pattern) => shellPattern(pattern, { ignoreCase }));
  const since = asked.since === undefined ? null : BigInt(asked.since);
  const until = asked.until === undefined ? null : BigInt(asked.until);
  return {
    depth: asked.depth ?? Number.POSITIVE_INFINITY,
    mayFit: (name, type) =>
      (asked.type === undefined || asked.type === type) &&
      (patterns === undefined || patterns.some((fits) => fits(textOf(name)))),
    fits: ({ size, mtimeNs }) =>
      size >= (asked.minBytes ?? 0) &&
      size <= (asked.maxBytes ?? Number.POSITIVE_INFINITY) &&
      (since === null || mtimeNs >= since) &&
      (until === null || mtimeNs <= until),
  };
}

/** A name that is not UTF-8 has a character for each byte. */
const textOf = (name: Buffer): string => name.toString(isUtf8(name) ? 'utf8' : 'latin1');
