/**
 * Writes `src/schemas/compiled.js` from `schemas/`: ajv's validators as code, because compiling them costs every start of
 * the programs half a second; and `compiled-settings.js` with that of the settings alone, because every start needs it, and
 * loading the others takes a tenth of a second. Run by `npm run build`, which everything that starts the programs runs where schemas or
 * source are newer; the files are not in git.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { exportNameOf } from '../../src/schemas/export-name.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'schemas');
const base = 'https://schemas.sendense.example.com/';
const sources = join(root, 'src/schemas');

/** Parts of domain.json that are validated by themselves. */
const domainParts = ['jobStatus', 'jobId', 'diskKey', 'sha256'];

function names(): string[] {
  const files = globSync('**/*.json', { cwd: folder }).sort();
  const steps = files.filter((file) => file.startsWith('steps/'));
  const whole = files.filter((file) => !file.startsWith('steps/') && !['common.json', 'domain.json'].includes(file));
  return [
    ...whole,
    ...steps.flatMap((file) => ['input', 'output'].map((part) => `${file}#/properties/${part}`)),
    ...domainParts.map((part) => `domain.json#/$defs/${part}`),
  ];
}

/** The text of each file. */
const generateValidators = (): ReadonlyMap<string, string> =>
  new Map([
    [join(sources, 'compiled.js'), validatorsOf(names())],
    [join(sources, 'compiled-settings.js'), validatorsOf(['settings.json'])],
  ]);

function validatorsOf(wanted: readonly string[]): string {
  const ajv = new Ajv2020({
    allErrors: true,
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
    ajv.addSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')) as object);
  const exported: Record<string, string> = {};
  for (const name of wanted) {
    ajv.getSchema(base + name);
    exported[exportNameOf(name)] = base + name;
  }
  const code = (standalone as unknown as (ajv: Ajv2020, names: Record<string, string>) => string)(ajv, exported);
  // ajv writes `require` for its own run-time parts, also into a module.
  const head = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n";
  const all = `export default {${Object.keys(exported).join(',')}};`;
  return `/* Generated from schemas/ by \`npm run types\`; do not edit. */\n${head}${code.replace(/^"use strict";/, '').replaceAll(/;(?=export const )/g, ';\n')}\n${all}\n`;
}

if (import.meta.main) {
  for (const [file, text] of generateValidators()) {
    // A file that stays as it is makes no bundle old.
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    writeFileSync(file, text);
    console.log(`wrote ${relative(process.cwd(), file)}`);
  }
}
