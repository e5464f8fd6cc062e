import { SendenseError } from '../errors/sendense-error.ts';

type Query = Readonly<Record<string, string>>;

/** A whole number of a query. @throws SendenseError `request.invalid` */
export function numberOf(query: Query, name: string, usual: number, most: number): number {
  const text = query[name];
  if (text === undefined) return usual;
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value <= most) return value;
  throw new SendenseError('request.invalid', `${name} is no number up to ${most}`, { details: { field: name } });
}

/** How many are wanted, at least one (`limit`). @throws SendenseError `request.invalid` */
export function limitOf(query: Query, usual: number, most: number): number {
  const { limit } = query;
  if (limit === undefined) return usual;
  const value = Number(limit);
  if (/^[1-9]\d{0,6}$/.test(limit) && value <= most) return value;
  throw new SendenseError('request.invalid', `limit is no number from 1 to ${most}`, { details: { field: 'limit' } });
}
