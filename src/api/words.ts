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
  return text === undefined ? undefined : oneOf(text, name, words);
}

/** The same of several words with commas between them. @throws SendenseError `request.invalid` */
export const wordsOf = <W extends string>(
  query: Readonly<Record<string, string>>,
  name: string,
  words: readonly W[],
): readonly W[] | undefined => query[name]?.split(',').map((text) => oneOf(text, name, words));

function oneOf<W extends string>(text: string, name: string, words: readonly W[]): W {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new SendenseError('request.invalid', `${name} is none of ${words.join(', ')}`, { details: { field: name } });
}
