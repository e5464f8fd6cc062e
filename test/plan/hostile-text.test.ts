import { expect, test } from 'vitest';
import { formatDiagnostics } from '../../src/plan/diagnostics/format-diagnostics.ts';
import { loadSettingsText } from '../../src/plan/load-settings.ts';
import { validateFiles, type ValidationResult } from '../../src/plan/validate-files.ts';

const validated = (text: string): ValidationResult => validateFiles(['-'], { stdin: text });

/** Of the processor: the machine may do other things meanwhile. What each of these took before was minutes, or grew with the square. */
function within(mostMs: number, act: () => void): void {
  const began = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1000).toBeLessThan(mostMs);
}

test.each(['mode', 'schedule', 'retention', 'kind', 'node', 'notify'])(
  '%s is a mapping that cannot be made a text',
  (key) => {
    for (const value of ['{ toString: null }', '{ toString: { a: 1 }, valueOf: x }', '[{ toString: null }]']) {
      const { diagnostics } = validated(`kind: backup\nname: a\nvm: { name: v }\nrepository: r\n${key}: ${value}\n`);
      expect(diagnostics.length).toBeGreaterThan(0);
    }
  },
);

test('a channel, a transport and a step whose type is a mapping', () => {
  const hostile = '{ toString: null }';
  const text = `repositories: { r: { path: r } }
notify: { channels: { a: { type: ${hostile} } } }
sources: { s: { type: vsphere, host: vc, transports: [${hostile}, constructor] } }
`;
  expect(loadSettingsText({ file: 'sendense.yaml', folder: '/', text }).diagnostics.length).toBeGreaterThan(2);
  const plan = `kind: backup\nname: a\nvm: { name: v }\nrepository: r\nsteps: [{ uses: ${hostile} }]\n`;
  expect(validated(plan).diagnostics.length).toBeGreaterThan(0);
});

test.each([
  ['a mapping of 100,000 keys', `kind: backup\nx-a: {${Array.from({ length: 100_000 }, (_, at) => `k${at}`).join()}}`],
  ['as many, a line each', `x-a:\n${Array.from({ length: 90_000 }, (_, at) => ` k${at}: 0`).join('\n')}`],
  ['half a million words', `kind: backup\ntoken: ${'- '.repeat(500_000)}`],
])('%s are too much', (_, text) => {
  within(5_000, () =>
    expect(validated(text)).toMatchObject({ valid: false, diagnostics: [{ line: expect.any(Number) as number }] }),
  );
});

test('thousands of mistakes in one line', () => {
  const keys = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`k${at}`, 0]));
  const text = JSON.stringify({ kind: 'backup', name: 'a', vm: { name: 'v' }, repository: 'r', ...keys });
  within(6_000, () => {
    const result = validated(text);
    expect(result.diagnostics.length).toBe(1_000);
    formatDiagnostics(result, 'text');
  });
});

test('a line of brackets where a secret may stand', () => {
  const result = validated(`kind: backup\nvm: { credential: ${' {'.repeat(400_000)}`);
  within(4_000, () => expect(formatDiagnostics(result, 'text')).toContain('more than 100 levels'));
});
