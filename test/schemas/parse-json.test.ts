import { describe, expect, test } from 'vitest';
import { parseJson } from '../../src/schemas/parse-json.ts';

const nested = (depth: number, inner = ''): string => '['.repeat(depth) + inner + ']'.repeat(depth);

describe('parseJson', () => {
  test.each([
    ['a document', '{"a":[1,{"b":null}],"c":"d"}'],
    ['brackets in a string', `{"a":"${'[{'.repeat(100)}"}`],
    ['an escaped quote before brackets in a string', `["\\"${'['.repeat(100)}"]`],
    ['a backslash that is escaped at the end of a string', String.raw`["\\",[1],"\\\"[[",["\\"]]`],
    ['brackets in a name', `{"${'['.repeat(100)}\\"${'{'.repeat(100)}":1}`],
    ['many lists beside each other', `[${'[],'.repeat(1000)}[]]`],
    ['a number', ' 7 '],
    ['as deep as may be', nested(64, '1')],
  ])('%s is what JSON.parse makes of it', (_what, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['lists', nested(65)],
    ['objects', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`],
    ['both', `${'[{"a":'.repeat(33)}1${'}]'.repeat(33)}`],
    ['what never ends', '['.repeat(1_000_000)],
  ])('%s that are too deep are refused before they are parsed, and it is said where', (_what, text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
    expect(() => parseJson(text)).toThrow(/more than 64 deep within each other, at position \d+$/);
  });

  test('how deep may be said', () => {
    expect(parseJson(nested(3), 3)).toEqual([[[]]]);
    expect(() => parseJson(nested(4), 3)).toThrow(/more than 3 deep/);
  });

  test.each(['', '{"a', '"\\', ']]]]', '{]', 'null null', '\\"['])('what is no JSON is one: %j', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
    expect(() => parseJson(text)).not.toThrow(/deep/);
  });
});
