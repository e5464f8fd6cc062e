import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import addFormats from 'ajv-formats';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { SendenseError } from '../errors/sendense-error.ts';

/** The package's root: the folder that holds `schemas/` and `runners/`. */
export const packageRoot = join(import.meta.dirname, '../..');

const base = 'https://schemas.sendense.example.com/';
const folder = join(packageRoot, 'schemas');

let ajv: Ajv2020 | undefined;

/** One ajv for the process; every file of `schemas/` is known to it and compiled on first use. */
function instance(): Ajv2020 {
  if (ajv) return ajv;
  ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    discriminator: true,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allowUnionTypes: true,
    useDefaults: true,
  });
  (addFormats as unknown as (target: Ajv2020) => void)(ajv);
  for (const file of globSync('**/*.json', { cwd: folder })) ajv.addSchema(readSchema(file));
  return ajv;
}

const readSchema = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;

/**
 * The validator of a schema, named as its file below `schemas/`, with an optional pointer:
 * `plan.json`, `steps/nbd.serve.json#/properties/input`. Fills in defaults in the value that it is given.
 */
export function validatorOf(name: string): ValidateFunction {
  const validate = instance().getSchema(base + name);
  if (!validate) throw new SendenseError('run.internal', `no schema ${name}`);
  return validate;
}

/** The schema as it stands in its file; `name` as in {@link validatorOf}, without a pointer. */
export const schemaOf = (name: string): Record<string, unknown> => readSchema(name);

/** One sentence for each ajv error: pointer and message. */
export const describeErrors = (errors: readonly ErrorObject[] | null | undefined): string =>
  (errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message ?? 'is invalid'}`).join('; ');
