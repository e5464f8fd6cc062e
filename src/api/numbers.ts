import { SendenseError } from '../errors/sendense-error.ts';
import type { NumberRange, Parameter } from './route.ts';

type Query = Readonly<Record<string, string>>;

/** No number of a request has more. */
export const largest = Number.MAX_SAFE_INTEGER;

/** No time of a calendar is later, milliseconds since 1970 (ECMA-262, 21.4.1.1). */
const latest = 8_640_000_000_000_000;

/** A whole number of a query. */
export const number = (description: string, range: NumberRange): Parameter => ({ description, number: range });

/** A time of a query: milliseconds since 1970. */
export const moment = (description: string): Parameter =>
  number(`${description}, milliseconds since 1970.`, [0, latest]);

/** How many are wanted (`limit`). */
export const limit = (what: string, usual: number, most: number): Parameter =>
  number(`${what}; default ${usual}, at most ${most}.`, [1, most]);

/** @throws SendenseError `request.invalid` unless the text is a whole number of the range */
export function assertNumber(name: string, text: string, [least, most]: NumberRange): void {
  const value = Number(text);
  if (/^-?\d{1,16}$/.test(text) && value >= least && value <= most) return;
  const bounds = least === 0 ? `up to ${most}` : `from ${least} to ${most}`;
  throw new SendenseError('request.invalid', `${name} is no number ${bounds}`, { details: { field: name } });
}

/** A number of a query whose route has checked it. @param usual where the request does not say */
export const numberOf = <Usual extends number | null | undefined>(
  query: Query,
  name: string,
  usual: Usual,
): number | Usual => (query[name] === undefined ? usual : Number(query[name]));
