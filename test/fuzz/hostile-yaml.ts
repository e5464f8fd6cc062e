import fc from 'fast-check';
import { parse } from 'yaml';
import { changedBytes, hostileText, numberTexts, part, prototypeWords } from './hostile.ts';
import { changedValue, hostileJson, jsonText } from './hostile-json.ts';

/** A value as it stands behind a colon: with all that YAML has beside JSON. */
const yamlValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 2, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.constantFrom(...numberTexts) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '*a',
      '&a x',
      '&a [*a]',
      '&a {b: *a}',
      '<<',
      '<<: *a',
      '!!binary aGVsbG8=',
      '!!python/object:os.system x',
      '!!set {a, b}',
      '!!timestamp 2001-01-01',
      '!!int "3"',
      '!!null x',
      '!<tag:x> y',
      '!',
      '|',
      '|-',
      '>+9',
      '? a',
      '- a',
      '---',
      '...',
      '%YAML 1.1',
      '# x',
      '{',
      '[',
      '}',
      ']',
      '"',
      "'",
      '{a: 1, a: 2}',
      '{? [a] : b}',
      '[[]: 1]',
      '~',
      'yes',
      'off',
      '0o17',
      '0b1',
      '1:30',
      '2026-02-31',
      '"\\x00"',
      '"\\ud800"',
      '"\\U0010FFFF"',
      '`x`',
      '@x',
      '%x',
      '${{ steps.x.y }}',
      '${{ plan.name',
      '"${{ default(plan.vm.name, 1) == 2 && !failure() }}"',
      '${{ ' + '('.repeat(500) + ' }}',
      '${{ ' + '!'.repeat(5000) + 'true }}',
      '${{ plan' + '.a'.repeat(2000) + ' }}',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('[', '{a: ', '- ', '? ', '"', '&a ', '!!str '), fc.constantFrom(10, 100, 1000, 20_000))
      .map(([unit, times]) => unit.repeat(times)),
  },
);

/** Documents that grow when their aliases are followed, or never end. */
const bombs: fc.Arbitrary<string> = fc.constantFrom(
  [
    'a0: &a0 [x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array<string>(9).fill(`*a${n}`).join(', ')}]`),
  ].join('\n'),
  ['a0: &a0 {x: y}', ...Array.from({ length: 40 }, (_, n) => `a${n + 1}: &a${n + 1} {l: *a${n}, r: *a${n}}`)].join(
    '\n',
  ),
  [
    'a0: &a0 {x: y}',
    ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} {<<: [*a${n}, *a${n}], z${n}: 1}`),
  ].join('\n'),
  'a: &a\n  b: *a\n',
  '&a [*a, *a]',
  '&a {<<: *a}',
  `${'&a '.repeat(50)}x`,
  Array.from({ length: 3000 }, (_, n) => `k${n}: &k${n} ${n === 0 ? 'x' : `*k${n - 1}`}`).join('\n'),
  `${'- '.repeat(3000)}x`,
  `${Array.from({ length: 1500 }, (_, n) => `${' '.repeat(n)}a:`).join('\n')} 1`,
  'a: 1\n'.repeat(20_000),
  '- \n'.repeat(60_000),
  '#'.repeat(2 ** 20 - 1),
  `a: "${'\\\n'.repeat(20_000)}"`,
  '--- \n'.repeat(3000),
  '\t'.repeat(5000),
  `? ${'? '.repeat(2000)}`,
  `%TAG ! tag:x\n${'!a '.repeat(3000)}x`,
);

type Change = (lines: readonly string[]) => readonly string[];

const atLine = (lines: readonly string[], at: number): number => Math.floor(at * lines.length);

const lineChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(part, yamlValue).map(
      ([at, value]): Change =>
        (lines) =>
          lines.with(
            atLine(lines, at),
            (lines[atLine(lines, at)] ?? '').replace(/(:|-) .*$/, () => `: ${value}`),
          ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(part, yamlValue).map(
      ([at, value]): Change =>
        (lines) =>
          lines.with(
            atLine(lines, at),
            (lines[atLine(lines, at)] ?? '').replace(/[^ :]+:/, () => `${value}:`),
          ),
    ),
  },
  {
    weight: 1,
    arbitrary: part.map(
      (at): Change =>
        (lines) =>
          lines.toSpliced(atLine(lines, at), 1),
    ),
  },
  {
    weight: 1,
    arbitrary: part.map(
      (at): Change =>
        (lines) =>
          lines.toSpliced(atLine(lines, at), 0, lines[atLine(lines, at)] ?? ''),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(part, fc.constantFrom('  ', ' ', '\t', '- ', '? ', '&a ', '<<: ')).map(
      ([at, put]): Change =>
        (lines) =>
          lines.with(atLine(lines, at), put + (lines[atLine(lines, at)] ?? '')),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(part, fc.constantFrom(...prototypeWords), yamlValue)
      .map(([at, word, value]): Change => (lines) => {
        const indent = /^ */.exec(lines[atLine(lines, at)] ?? '')?.[0] ?? '';
        return lines.toSpliced(atLine(lines, at), 0, `${indent}${word}: ${value}`);
      }),
  },
);

/** Nothing where it is no YAML, or has no end, as some files of the corpus are. */
function valueIn(file: Buffer): unknown[] {
  try {
    const value: unknown = parse(file.toString('utf8'), { merge: true, logLevel: 'silent' });
    // Aliases that lead to themselves are for the texts.
    return typeof value === 'object' && value !== null ? [JSON.parse(JSON.stringify(value))] : [];
  } catch {
    return [];
  }
}

/** YAML made of sound files: changed in its meaning, its lines, its bytes, or something else altogether. */
export function hostileYaml(files: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const sound = fc.constantFrom(...files);
  const values = fc.constantFrom(...files.flatMap(valueIn));
  const lines = fc
    .tuple(sound, fc.array(lineChange, { minLength: 1, maxLength: 3, size: 'max' }))
    .map(([text, changes]) =>
      Buffer.from(
        changes
          .reduce<readonly string[]>(
            (now, change) => (now.length === 0 ? now : change(now)),
            text.toString('utf8').split('\n'),
          )
          .join('\n'),
      ),
    );
  return fc.oneof(
    // What grows or never ends costs as much as a hundred others.
    { weight: 40, arbitrary: changedValue(values).map((value) => Buffer.from(jsonText(value, 1))) },
    { weight: 40, arbitrary: lines },
    { weight: 15, arbitrary: changedBytes(sound) },
    { weight: 5, arbitrary: hostileJson(values) },
    { weight: 1, arbitrary: bombs.map((text) => Buffer.from(text)) },
    {
      weight: 1,
      arbitrary: fc.tuple(bombs, sound).map(([bomb, text]) => Buffer.concat([text, Buffer.from(`\n${bomb}\n`)])),
    },
  );
}
