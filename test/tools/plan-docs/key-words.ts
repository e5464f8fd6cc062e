import type { SchemaNode } from '../../../src/plan/diagnostics/schema-node.ts';
import { typesOf } from '../../../src/plan/diagnostics/schema-node.ts';
import { orList, typeWords } from '../../../src/errors/findings/words.ts';
import { definitionOf, type Key } from './schema-keys.ts';

/** Kinds of values that docs/plans/README.md explains, by their definition in common.json. */
const values: Readonly<Record<string, string>> = {
  name: 'a name',
  duration: 'a duration',
  age: 'a period',
  size: 'a size',
  dataRate: 'a rate',
  secret: 'a secret',
  hostKey: 'a public key',
};

/** Longest list of words in a cell of a table; a longer one goes to the text below it. */
const widest = 48;
const manyWords = 'one of several words';

/** What the value of a key is: `a duration`, `` `auto` or `full` `` */
export function valueOf({ node, written }: Key): string {
  const words = orList([...new Set(wordsOf(written, node))]);
  return words.length > widest ? manyWords : words;
}

function wordsOf(written: unknown, { schema, file }: SchemaNode): string[] {
  const definition = values[definitionOf(written) ?? ''];
  if (definition) return [definition];
  if ('const' in schema) return [code(schema['const'])];
  if (Array.isArray(schema['enum'])) return schema['enum'].map(code);
  const choices = [schema['oneOf'], schema['anyOf']].flatMap((list) => (Array.isArray(list) ? (list as object[]) : []));
  if (choices.length > 0) return choices.flatMap((choice) => wordsOf(choice, { schema: { ...choice }, file }));
  if (schema['type'] === 'boolean') return [code(true), code(false)];
  return [typeWords(typesOf({ schema, file }) ?? ['object']) + rangeOf(schema)];
}

function rangeOf(schema: Readonly<Record<string, unknown>>): string {
  const [least, most] = [schema['minimum'], schema['maximum']];
  return typeof least === 'number' && typeof most === 'number' ? `, ${least} to ${most}` : '';
}

const code = (value: unknown): string => `\`${String(value)}\``;

/** `Compression. Default: none.` -> the default at its end, where that is a word or two. */
const defaultAtEnd = /(?:^| )Default: (`[^`]+`|[\w%]+|no limit)\.$/;

const descriptionOf = ({ node, written }: Key): string => {
  const isOfValue = written['description'] === undefined && values[definitionOf(written) ?? ''] !== undefined;
  return isOfValue ? '' : String(node.schema['description'] ?? '');
};

/** What a key means, without its default; '' where its value says it all. */
export function explanationOf(key: Key): string {
  const text = descriptionOf(key).replace(defaultAtEnd, '');
  return valueOf(key) === manyWords ? `${text} One of ${orList(wordsOf(key.written, key.node))}.` : text;
}

/** A default as it stands in a table; '' where there is none. */
export function defaultOf(key: Key): string {
  if (key.required) return 'required';
  const { default: value } = key.node.schema;
  if (value === undefined) {
    const words = defaultAtEnd.exec(descriptionOf(key))?.[1];
    return words === undefined ? '' : ['all', 'no limit'].includes(words) ? words : code(words.replaceAll('`', ''));
  }
  if (typeof value !== 'object') return code(value);
  return Object.keys(value as object).length === 0 ? '' : code((value as unknown[]).join(', '));
}

/** The words that the value may be, each of which its explanation may begin to explain: `auto: …. full: …` */
export function choicesOf({ node: { schema } }: Key): string[] {
  const choices = [schema, ...[schema['oneOf'], schema['anyOf']].flat()] as (Record<string, unknown> | undefined)[];
  const words = choices.flatMap((choice) => (choice?.['enum'] as unknown[] | undefined) ?? []).map(String);
  return choices.some((choice) => choice?.['type'] === 'boolean') ? [...words, 'true', 'false'] : words;
}
