import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scope } from '../../src/engine/pipeline.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { createEvaluator } from '../../src/plan/expressions/create-evaluator.ts';
import { parseExpression } from '../../src/plan/expressions/parse-expression.ts';
import { brief, backup, expand } from './support.ts';

const scope: Scope = {
  plan: { name: 'nightly', zero: 0, no: false, empty: '', nothing: null, list: [{ a: 1 }, 'two'], deep: { 'a.b': 7 } },
  run: { id: 'run-1', started: 1000 },
  steps: { 'commit': { backup_id: 'b-1', bytes: 42 }, 'before-1': { output: 'x' }, '2nd': { ok: true } },
  outcome: 'success',
};
const { value, condition } = createEvaluator();
const failed: Scope = { ...scope, outcome: 'failure' };

describe('a value', () => {
  test.each([
    ['${{ plan.name }}', 'nightly'],
    ['${{ steps.commit.bytes }}', 42],
    ['${{ plan.list[0].a }}', 1],
    ['${{ plan.list }}', [{ a: 1 }, 'two']],
    ["${{ plan.deep['a.b'] }}", 7],
    ['${{ steps.before-1.output }}', 'x'],
    ['${{ steps.2nd.ok }}', true],
    ['${{ run.id }}/${{ run.started }}', 'run-1/1000'],
    ['${{ plan.missing }}', null],
    ['${{ default(plan.missing, 3) }}', 3],
    ['${{ default(plan.nothing, plan.name) }}', 'nightly'],
    ['${{ default(plan.zero, 3) }}', 0],
    ['${{ default(plan.no, true) }}', false],
    ["${{ default(plan.empty, 'x') }}", ''],
    ['${{ default(steps.skipped.field, default(steps.other, -1.5e2)) }}', -150],
    ["${{ 'it''s }}' }}", "it's }}"],
    ['$${{ plan.name }}', '${{ plan.name }}'],
    ['a $${{ b', 'a ${{ b'],
    ['no expression, $ and { }', 'no expression, $ and { }'],
  ])('%s is %j', (text, expected) => {
    expect(value(text, scope)).toEqual(expected);
  });

  test('is looked for in lists and mappings, and leaves secrets alone', () => {
    const secret = { secret: { command: ['echo', '${{ plan.name }}'] } };
    expect(value({ a: ['${{ run.id }}', 3, null], s: secret }, scope)).toEqual({ a: ['run-1', 3, null], s: secret });
  });

  test('of a step that did not run is an error that names the step', () => {
    expect(() => value('${{ steps.skipped.x }}', scope)).toThrow(
      expect.objectContaining({ code: 'plan.invalid', message: 'the step "skipped" did not run, so it has no output' }),
    );
  });

  test('that is a list cannot stand inside a text', () => {
    expect(() => value('x ${{ plan.list }}', scope)).toThrow(/a list and cannot stand inside a text/);
  });

  test.each(['__proto__', 'constructor', 'toString', 'length', 'hasOwnProperty'])(
    '%s is a missing key like any other',
    (key) => {
      for (const path of [
        `plan.${key}`,
        `plan['${key}']`,
        `plan.list.${key}`,
        `plan.name.${key}`,
        `steps.commit.${key}`,
        `run.${key}.${key}`,
      ]) {
        expect(value(`\${{ ${path} }}`, scope)).toBeNull();
      }
    },
  );

  test('is a copy: changing it changes nothing else', () => {
    const list = value('${{ plan.list }}', scope) as { a: number }[];
    list[0] = { a: 99 };
    expect(value('${{ plan.list[0].a }}', scope)).toBe(1);
  });
});

describe('a condition', () => {
  test.each([
    ['success()', true],
    ['${{ failure() }}', false],
    ['always()', true],
    ["plan.name == 'nightly' && run.started > 999", true],
    ["plan.name != 'nightly' || !plan.no", true],
    ['steps.commit.bytes >= 42 && steps.commit.bytes <= 42 && 1 < 2', true],
    ['plan.missing', false],
    ['plan.missing == null', true],
    ['steps.skipped.ok', false],
    ['plan.no || (plan.zero == 0 && true)', true],
    ['false && plan.list', false],
  ])('%s is %s', (text, expected) => {
    expect(condition(text, scope)).toBe(expected);
  });

  test('does not hold after a failure unless it asks for the state of the run', () => {
    expect(condition('true', failed)).toBe(false);
    expect(condition('success()', failed)).toBe(false);
    expect(condition('always()', failed)).toBe(true);
    expect(condition("failure() && plan.name == 'nightly'", failed)).toBe(true);
    expect(condition('cancelled()', failed)).toBe(false);
    expect(condition('cancelled() || failure()', { ...scope, outcome: 'cancelled' })).toBe(true);
  });

  test.each(['plan.name < 3', 'plan.list == 1', 'plan.list', "'text'"])('%s is an error', (text) => {
    expect(() => condition(text, scope)).toThrow(SendenseError);
  });
});

describe('checked in a plan', () => {
  const rulesOf = (after: string): string[] =>
    expand(`${backup}after:\n  - run: [x]\n${after}`).diagnostics.map((item) => item.rule);

  test.each([
    "steps.decide.kind == 'full'",
    'steps.commit.disks[0].bytes_transferred > 1000',
    "plan.mode == 'full' || failure()",
    'default(plan.schedule.cron, null) != null',
    'steps.decide.parent == null',
    '${{ always() }}',
    '!failure()',
  ])('if: %s is fine', (text) => {
    expect(rulesOf(`    if: "${text}"\n`)).toEqual([]);
  });

  test.each([
    ["steps.decide.kind == 'ful'", 'expression/type'],
    ['steps.decide.disks', 'expression/type'],
    ['steps.after-1.exit_code == 0', 'ref/cycle'],
    ['success', 'ref/unknown-root'],
    ['1 < 2 < 3', 'expression/syntax'],
    ['eval(1)', 'expression/unknown-function'],
    ['default(1)', 'expression/syntax'],
    ['plan.a.b + 1', 'expression/syntax'],
    ['plan..a', 'expression/syntax'],
    ['plan.vm[name]', 'expression/syntax'],
    ['()', 'expression/syntax'],
    ['', 'expression/syntax'],
  ])('if: %s is %s', (text, rule) => {
    expect(rulesOf(`    if: "${text}"\n`)).toContain(rule);
  });

  test('underlines the reference and not the whole value', () => {
    const { diagnostics } = expand(`${backup}after:\n  - run: [x, "id is \${{ default(steps.commit.id, 'none') }}"]\n`);
    expect(brief(diagnostics)).toEqual(['ref/unknown-output 12:46 steps.commit has no "id"']);
  });
});

describe('for any text', () => {
  const fragments = fc.constantFrom(
    'plan',
    'steps',
    'run',
    '.',
    '[0]',
    "['a']",
    '(',
    ')',
    '==',
    '&&',
    '!',
    ' ',
    'default(',
    ',',
    "'s'",
    '1',
    '-1',
    'null',
    'success()',
    '${{',
    '}}',
    '$',
    '__proto__',
    '"',
    "'",
  );
  const texts = fc.oneof(
    fc.array(fragments, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.string({ maxLength: 40 }),
  );
  const json = fc.jsonValue({ maxDepth: 3 });

  const attempt = (act: () => unknown): void => {
    try {
      act();
    } catch (error) {
      expect(error).toBeInstanceOf(SendenseError);
    }
  };

  test('parsing and evaluating gives a value or a SendenseError, and changes nothing', () => {
    const frozen = JSON.stringify(scope);
    fc.assert(
      fc.property(texts, (text) => {
        attempt(() => parseExpression(text, 'value'));
        attempt(() => condition(text, scope));
        attempt(() => value(text, scope));
        attempt(() => value(`\${{ ${text} }}`, failed));
        expect(JSON.stringify(scope)).toBe(frozen);
      }),
      { numRuns: 2000 },
    );
  });

  test('validating gives diagnostics and never throws', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const quoted = JSON.stringify(text);
        expand(`${backup}after:\n  - run: [x, ${quoted}]\n    if: ${quoted}\n`);
      }),
      { numRuns: 300 },
    );
  });

  test('a whole-value reference gives back what is there, of whatever type', () => {
    fc.assert(
      fc.property(json, (given) => {
        const found = value('${{ plan.given }}', { ...scope, plan: { given } });
        expect(JSON.stringify(found)).toBe(JSON.stringify(given));
      }),
    );
  });

  test('any text can be written as a literal, and any key as an index', () => {
    fc.assert(
      fc.property(fc.string(), json, (text, given) => {
        fc.pre(given !== null);
        const quoted = `'${text.replaceAll("'", "''")}'`;
        expect(value(`\${{ ${quoted} }}`, scope)).toBe(text);
        const plan = Object.fromEntries([[text, given]]);
        expect(JSON.stringify(value(`\${{ plan[${quoted}] }}`, { ...scope, plan }))).toBe(JSON.stringify(given));
      }),
    );
  });

  test('escaping gives back any text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(
          value(
            text.replaceAll('${{', () => '$${{'),
            scope,
          ),
        ).toBe(text);
      }),
    );
  });
});
