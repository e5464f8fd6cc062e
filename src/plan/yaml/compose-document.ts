import { Composer, YAMLParseError, type CST, type Document } from 'yaml';

/**
 * The second half of reading YAML 1.2 core with `<<`: the library's `parseDocument`, for tokens that are there already.
 * @param length of the text
 */
export function composeDocument(tokens: readonly CST.Token[], length: number): Document.Parsed {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: true,
    strict: true,
    stringKeys: true,
    uniqueKeys: false, // See duplicate-keys.ts.
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  // A text without a document has an empty one at its end.
  const [first, second] = composer.compose(tokens, true, length) as unknown as [Document.Parsed, Document.Parsed?];
  if (second) first.errors.push(moreThanOne(second));
  return first;
}

const moreThanOne = ({ range: [start, end] }: Document.Parsed): YAMLParseError =>
  new YAMLParseError([start, end], 'MULTIPLE_DOCS', 'Source contains multiple documents');
