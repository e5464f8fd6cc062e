/**
 * Writes `src/schemas/compiled/` from `schemas/`: ajv's validators as code, because compiling them costs every start of
 * the programs half a second. A file for each, because all of them together are 4 MB, and loading those takes longer than a
 * program needs for the rest of its start. Run by `npm run build`, which everything that starts the programs runs where schemas or
 * source are newer; the files are not in git.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { choicesByKey } from './choices-by-key.ts';
import { validatorFileOf } from '../../src/schemas/validator-file.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'schemas');
const base = 'https://schemas.sendense.example.com/';
const compiled = join(root, 'src/schemas/compiled');

/** Parts of domain.json that the source validates by themselves: those that it names. */
function domainParts(): string[] {
  const files = globSync('src/*/**/*.ts', { cwd: root, exclude: ['src/schemas/**'] });
  const named = files.flatMap((file) => [
    ...readFileSync(join(root, file), 'utf8').matchAll(/'(domain\.json#\/\$defs\/\w+)'/g),
  ]);
  return [...new Set(named.map(([, name]) => name ?? ''))].sort();
}

function names(): string[] {
  const files = globSync('**/*.json', { cwd: folder }).sort();
  const steps = files.filter((file) => file.startsWith('steps/'));
  const whole = files.filter((file) => !file.startsWith('steps/') && !['common.json', 'domain.json'].includes(file));
  return [
    ...whole,
    ...steps.flatMap((file) => ['input', 'output'].map((part) => `${file}#/properties/${part}`)),
    ...domainParts(),
  ];
}

/**
 * What programs write, and others may send: the first fault says enough. A small file can have millions, and all of them together take
 * a thousand times its size of memory. Of what people write every fault is told.
 */
const isForPrograms = (name: string): boolean =>
  /^(?:manifest|merge-intent|point-marks|changed-areas|vm-config|attached-mark)\.json$|^(?:api|hub|link|node)\//.test(
    name,
  );

/** The text of each file, by its name. */
function generateValidators(): ReadonlyMap<string, string> {
  const [all, first] = [ajvOf({ allErrors: true }), ajvOf({ allErrors: false })];
  return new Map(
    names().map((name) => [validatorFileOf(name), validatorIn(isForPrograms(name) ? first : all, base + name)]),
  );
}

function ajvOf({ allErrors }: { readonly allErrors: boolean }): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors,
    verbose: true,
    discriminator: true,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allowUnionTypes: true,
    useDefaults: true,
    inlineRefs: false,
    code: { source: true, esm: true },
  });
  (addFormats as unknown as (target: Ajv2020, formats: string[]) => void)(ajv, ['date-time']);
  for (const file of globSync('**/*.json', { cwd: folder }).sort())
    ajv.addSchema(choicesByKey(JSON.parse(readFileSync(join(folder, file), 'utf8')) as object));
  return ajv;
}

function validatorIn(ajv: Ajv2020, id: string): string {
  const validate = ajv.getSchema(id);
  const code = (standalone as unknown as (ajv: Ajv2020, of: unknown) => string)(ajv, validate);
  // ajv writes `require` for its own run-time parts, also into a module.
  const head = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n";
  return `/* Generated from schemas/ by \`npm run types\`; do not edit. */\n${head}${code.replace(/^"use strict";/, '')}\n`;
}

if (import.meta.main) {
  mkdirSync(compiled, { recursive: true });
  const texts = generateValidators();
  for (const file of globSync('*.js', { cwd: compiled })) if (!texts.has(file)) rmSync(join(compiled, file));
  for (const [name, text] of texts) {
    const file = join(compiled, name);
    // A file that stays as it is makes no bundle old.
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    writeFileSync(file, text);
    console.log(`wrote ${relative(process.cwd(), file)}`);
  }
}
