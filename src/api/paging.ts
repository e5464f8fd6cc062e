import { createHash } from 'node:crypto';
import { SendenseError } from '../errors/sendense-error.ts';
import { limit, numberOf } from './numbers.ts';
import type { Parameter } from './route.ts';

/** Where in a list a page ends: the values that the list is sorted by, of its last entry. */
export type Place = readonly (string | number)[];

export interface PageRequest {
  /** Entries that a page has at most. */
  readonly limit: number;
  /** The page begins after this place; null: with the first entry. */
  readonly after: Place | null;
  /** Which list it is, and by what it is filtered, in a few signs: a cursor of another one leads to no place in it. Default: none. */
  readonly list?: string;
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
  limit: limit('Entries of a page', usual, most),
  cursor: { description: '`next_cursor` of the page before; default: the first page.' },
});

/**
 * @param name of the list, with what it is about
 * @throws SendenseError `request.invalid`
 */
export function pageRequest(name: string, query: Readonly<Record<string, string>>, rules: PageRules): PageRequest {
  const { cursor, limit: _limit, ...filter } = query;
  const list = listId(name, filter);
  return {
    limit: numberOf(query, 'limit', rules.usual),
    after: cursor === undefined ? null : placeOf(cursor, rules.place, list),
    list,
  };
}

/** Which list it is: a digest, so that whoever asks for it with other filters is told so. */
export function listId(name: string, filter: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(filter).filter(([, value]) => value !== undefined);
  const sorted = said.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([name, sorted]))
    .digest('base64url')
    .slice(0, 8);
}

/** `next_cursor` of a page. */
export const cursorOf = (next: Place | null, { list = '' }: Pick<PageRequest, 'list'>): string | null =>
  next === null ? null : Buffer.from(JSON.stringify([list, ...next])).toString('base64url');

/** A page of entries of which one more than fits was asked for. */
export function pageOf<Entry>(
  found: readonly Entry[],
  most: number,
  placeOfEntry: (entry: Entry) => Place,
): Page<Entry> {
  const entries = found.slice(0, most);
  const last = entries.at(-1);
  return { entries, next: found.length > most && last !== undefined ? placeOfEntry(last) : null };
}

function placeOf(cursor: string, shape: PageRules['place'], list: string): Place {
  const [of, ...values] = parsed(cursor);
  const fits =
    of === list &&
    values.length === shape.length &&
    shape.every((type, at) => (type === 'text' ? typeof values[at] === 'string' : Number.isSafeInteger(values[at])));
  if (fits) return values as Place;
  throw new SendenseError('request.invalid', 'cursor is not one of this list, filtered as it is', {
    details: { field: 'cursor' },
    remedy: 'Begin with the first page: leave cursor out.',
  });
}

/** What is not written as {@link cursorOf} writes it has nothing. */
function parsed(cursor: string): readonly unknown[] {
  if (!/^[A-Za-z0-9_-]{1,2000}$/.test(cursor)) return [];
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(values) ? values : [];
  } catch {
    return [];
  }
}
