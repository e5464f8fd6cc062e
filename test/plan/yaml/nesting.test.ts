import { expect, test } from 'vitest';
import { maxNesting } from '../../../src/plan/yaml/nesting.ts';
import { validateFiles } from '../../../src/plan/validate-files.ts';

const levels = 1000;

// Some of these keep the YAML library busy for minutes, or end its stack: they are refused before it sees them.
test.each([
  ['keys', '? '.repeat(levels)],
  ['lists', '['.repeat(levels)],
  ['entries', '- '.repeat(levels)],
  ['mappings', '{a: '.repeat(levels)],
  ['lines', Array.from({ length: levels }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
])('%s that are nested too deep are a mistake with a place', (_, text) => {
  const { diagnostics } = validateFiles(['-'], { stdin: text });
  expect(diagnostics).toMatchObject([
    {
      rule: 'yaml/syntax',
      message: expect.stringContaining(`more than ${maxNesting} levels`) as string,
      line: expect.any(Number) as number,
      column: expect.any(Number) as number,
    },
  ]);
});
