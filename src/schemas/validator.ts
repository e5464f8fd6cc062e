import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { SendenseError } from '../errors/sendense-error.ts';
import { validatorFileOf } from './validator-file.ts';
import { packageRoot } from './package.ts';

export { packageRoot };

/**
 * The validator of a schema, named as its file below `schemas/`, with a pointer for the input or output of a step:
 * `plans/backup.json`, `steps/nbd.serve.json#/properties/input`. Fills in defaults in the value that it is given.
 */
export function validatorOf(name: string): ValidateFunction {
  const known = validators.get(name);
  if (known) return known;
  const validate = load(name);
  validators.set(name, validate);
  return validate;
}

const validators = new Map<string, ValidateFunction>();

/** A module for each, made by test/tools/generate-validators.ts: all of them are megabytes of code. */
function load(name: string): ValidateFunction {
  const build = import.meta.filename.endsWith('.ts') ? 'src' : 'dist';
  const file = join(packageRoot, build, 'schemas/compiled', validatorFileOf(name));
  if (!existsSync(file)) throw new SendenseError('run.internal', `no validator of ${name}; run npm run types`);
  return (createRequire(file)(file) as { readonly default: ValidateFunction }).default;
}

/** The schema as it stands in its file; `name` as in {@link validatorOf}, without a pointer. */
export const schemaOf = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(packageRoot, 'schemas', name), 'utf8')) as Record<string, unknown>;

/** One sentence for each ajv error: pointer and message. */
export function describeErrors(errors: readonly ErrorObject[] | null | undefined): string {
  const all = errors ?? [];
  const shallow =
    all.length <= mostErrors ? all : all.toSorted((a, b) => a.instancePath.length - b.instancePath.length);
  const said = shallow
    .slice(0, mostErrors)
    .map((error) => `${error.instancePath.slice(0, longestPath) || '/'} ${error.message ?? 'is invalid'}`);
  return [...said, ...(all.length > mostErrors ? [`and ${all.length - mostErrors} more`] : [])].join('; ');
}

/** A hostile value has as many as it likes; the shallowest tell most. */
const mostErrors = 8;
const longestPath = 200;
