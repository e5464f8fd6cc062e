import { SendenseError } from '../errors/sendense-error.ts';
import { limitOf } from './numbers.ts';
import type { Parameter } from './route.ts';

/** Where in a list a page ends: the values that the list is sorted by, of its last entry. */
export type Place = readonly (string | number)[];

export interface PageRequest {
  /** Entries that a page has at most. */
  readonly limit: number;
  /** The page begins after this place; null: with the first entry. */
  readonly after: Place | null;
}

export interface Page<Entry> {
  readonly entries: readonly Entry[];
  /** Where the next page begins; null: there is none. */
  readonly next: Place | null;
}

export interface PageRules {
  readonly usual: number;
  readonly most: number;
  /** What a place consists of. */
  readonly place: readonly ('text' | 'number')[];
}

/** Parameters of a list that comes page by page. */
export const pageQuery = ({ usual, most }: PageRules): Readonly<Record<'limit' | 'cursor', Parameter>> => ({
  limit: { description: `Entries of a page; default ${usual}, at most ${most}.` },
  cursor: { description: '`next_cursor` of the page before; default: the first page.' },
});

/** @throws SendenseError `request.invalid` */
export function pageRequest(query: Readonly<Record<string, string>>, rules: PageRules): PageRequest {
  const { cursor } = query;
  return {
    limit: limitOf(query, rules.usual, rules.most),
    after: cursor === undefined ? null : placeOf(cursor, rules.place),
  };
}

/** `next_cursor` of a page. */
export const cursorOf = (next: Place | null): string | null =>
  next === null ? null : Buffer.from(JSON.stringify(next)).toString('base64url');

/** A page of entries of which one more than fits was asked for. */
export function pageOf<Entry>(
  found: readonly Entry[],
  limit: number,
  placeOfEntry: (entry: Entry) => Place,
): Page<Entry> {
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  return { entries, next: found.length > limit && last !== undefined ? placeOfEntry(last) : null };
}

function placeOf(cursor: string, shape: PageRules['place']): Place {
  const values = parsed(cursor);
  const fits =
    Array.isArray(values) &&
    values.length === shape.length &&
    shape.every((type, at) => (type === 'text' ? typeof values[at] === 'string' : Number.isSafeInteger(values[at])));
  if (fits) return values as Place;
  throw new SendenseError('request.invalid', 'cursor is not one of this list', {
    details: { field: 'cursor' },
    remedy: 'Begin with the first page: leave cursor out.',
  });
}

function parsed(cursor: string): unknown {
  if (cursor.length > 2000) return null;
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
}
