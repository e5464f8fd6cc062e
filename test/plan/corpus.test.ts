import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../src/plan/diagnostics/format-diagnostics.ts';
import { rules } from '../../src/errors/findings/rules.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { checksFile, generateChecks } from '../tools/generate-checks.ts';
import { corpusCases, runCase } from './corpus-cases.ts';

const cases = corpusCases();

test('every rule has an example, and every example a rule', () => {
  expect(cases.map((example) => example.rule).sort()).toEqual(Object.keys(rules).sort());
});

describe.each(cases)('the example of $rule', (example) => {
  const result = runCase(example);

  test('gives exactly the diagnostics that are written down', () => {
    const found = result.diagnostics.map(({ file, rule, line, column, message }) => ({
      file,
      rule,
      line,
      column,
      message,
    }));
    expect(found).toEqual(example.diagnostics);
  });

  test('is about that rule and nothing else', () => {
    expect([...new Set(result.diagnostics.map((item) => item.rule))]).toEqual([example.rule]);
    expect(result.valid).toBe(result.diagnostics.every(({ severity }) => severity === 'warning'));
  });

  test('underlines something that is in the text', () => {
    for (const item of result.diagnostics) {
      const lines = (result.texts.get(item.file) ?? '').split('\n');
      if (item.rule !== 'yaml/encoding') expect(item.line).toBeLessThanOrEqual(lines.length);
      expect(item.end_line).toBeGreaterThanOrEqual(item.line);
      expect(item.end_line > item.line || item.end_column >= item.column).toBe(true);
      expect(item.remedy).not.toBe('');
      expect(item.message).not.toMatch(/undefined|\[object|must match|must NOT/);
    }
  });

  test('is printed as valid JSON of the published schema', () => {
    const validate = validatorOf('output/validate.json');
    expect(validate(JSON.parse(formatDiagnostics(result, 'json'))), JSON.stringify(validate.errors)).toBe(true);
  });
});

test('docs/checks.md is current (npm run docs)', () => {
  expect(readFileSync(checksFile, 'utf8')).toBe(generateChecks());
});
