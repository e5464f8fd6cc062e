import { SendenseError } from '../errors/sendense-error.ts';
import type { Parameter } from './route.ts';

type Query = Readonly<Record<string, string>>;

/** A parameter that is one of a few words. */
export const word = (description: string, words: readonly string[]): Parameter => ({ description, words });

/** The same of several words with commas between them. */
export const words = (description: string, among: readonly string[]): Parameter => ({
  description,
  words: among,
  several: true,
});

/**
 * A mistyped word would find nothing, and look like a list that is empty.
 * @throws SendenseError `request.invalid` unless the text is one of the words, or several of them where it may be
 */
export function assertWords(
  name: string,
  text: string,
  { words: among, several }: Required<Pick<Parameter, 'words' | 'several'>>,
): void {
  const given = several ? text.split(',') : [text];
  if (given.every((one) => among.includes(one))) return;
  throw new SendenseError('request.invalid', `${name} is none of ${among.join(', ')}`, { details: { field: name } });
}

/** A word of a query whose route has checked it. */
export const wordOf = <W extends string>(query: Query, name: string, among: readonly W[]): W | undefined =>
  among.find((one) => one === query[name]);

/** The same of several. */
export const wordsOf = <W extends string>(query: Query, name: string, among: readonly W[]): readonly W[] | undefined =>
  query[name] === undefined ? undefined : among.filter((one) => query[name]?.split(',').includes(one));
