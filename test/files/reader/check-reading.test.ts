import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkReading, remedyFrom } from '../../../src/files/reader/check-reading.ts';
import { kindsFor, missingOf, remedyFor } from '../../../src/files/reader/kinds/choose-kind.ts';
import { readerKinds } from '../../../src/files/reader/kinds/index.ts';
import type { ReaderKind } from '../../../src/files/reader/kinds/kind.ts';
import { packageRoot } from '../../../src/schemas/package.ts';
import { describeErrors, validatorOf } from '../../../src/schemas/validator.ts';
import { filesDoctorReport } from '../../../src/view/reports/files-doctor-report.ts';
import { makeStyle } from '../../../src/view/style.ts';

test('each reader is started, and the best one is used', { timeout: 300_000 }, async () => {
  const output = await checkReading();
  const validate = validatorOf('output/files-doctor.json');
  expect(validate(structuredClone(output)), describeErrors(validate.errors)).toBe(true);
  expect(output).toMatchObject({ result: 'ok', reader: 'uml' });
  expect(output.readers.map(({ name, state, why }) => [name, state, why])).toEqual([
    ['uml', 'used', null],
    ['programs', 'works', null],
  ]);
  const lines = filesDoctorReport(output, { style: makeStyle({ colour: false, unicode: false }), columns: 100 });
  expect(lines.join('\n')).toMatch(/uml +a Linux kernel of its own [(]User-Mode Linux[)] is used/);
  expect(lines.join('\n')).toMatch(/programs +a program for each file system [(]FUSE[)] works, and is not used/);
});

test('the one that settings name is used, and settings can name each', () => {
  const { properties } = JSON.parse(readFileSync(join(packageRoot, 'schemas/settings.json'), 'utf8')) as {
    readonly properties: { readonly files: { readonly properties: { readonly reader: { readonly enum: string[] } } } };
  };
  expect(properties.files.properties.reader.enum).toEqual(['auto', ...readerKinds.map(({ name }) => name)]);
  expect(kindsFor().map(({ name }) => name)).toEqual(['uml', 'programs']);
  expect(kindsFor('programs').map(({ name }) => name)).toEqual(['programs']);
});

test('what is missing is told with what brings it', () => {
  const [uml] = readerKinds as [ReaderKind];
  const needs = [...uml.needs, { program: 'no-such-program', package: 'no-such-package', without: null }];
  const missing = missingOf({ ...uml, needs });
  expect(missing.map(({ program }) => program)).toEqual(['no-such-program']);
  expect(remedyFor(missing)).toBe('apt install no-such-package');
});

test.each([
  ['the reader ended with 1: bwrap: No permissions to create new namespace', 'make namespaces'],
  ['the reader ended with 1: bwrap: setting up uid map: Permission denied', 'make namespaces'],
  ['the reader ended with 1: ptrace set fp regs failed, errno = 22', 'ptrace_scope'],
  ['the reader ended with 1: Cannot allocate memory', 'up to 1 GiB'],
  ['the reader was not ready within 60000 ms', 'too busy'],
  ['the reader was killed by SIGILL', 'said last'],
])('%s: the way out fits', (said, words) => expect(remedyFrom(said)).toContain(words));
