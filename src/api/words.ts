import { SendenseError } from '../errors/sendense-error.ts';

/**
 * A word of a query that is one of a few. A mistyped one would find nothing, and look like a list that is empty.
 * @throws SendenseError `request.invalid`
 */
export function wordOf<W extends string>(
  query: Readonly<Record<string, string>>,
  name: string,
  words: readonly W[],
): W | undefined {
  const text = query[name];
  if (text === undefined) return undefined;
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new SendenseError('request.invalid', `${name} is none of ${words.join(', ')}`, { details: { field: name } });
}
