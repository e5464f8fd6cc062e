import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { SendenseError } from '../errors/sendense-error.ts';
import ofSettings from './compiled-settings.js';
import { exportNameOf } from './export-name.ts';
import { packageRoot } from './package.ts';

export { packageRoot };

/**
 * The validator of a schema, named as its file below `schemas/`, with a pointer for the input or output of a step:
 * `plans/backup.json`, `steps/nbd.serve.json#/properties/input`. Fills in defaults in the value that it is given.
 */
export function validatorOf(name: string): ValidateFunction {
  const own = exportNameOf(name);
  const validate = ofSettings[own] ?? (others ??= loadOthers())[own];
  if (!validate) throw new SendenseError('run.internal', `no validator of ${name}; run npm run types`);
  return validate;
}

let others: typeof ofSettings | undefined;

/** Four megabytes of code, which `list` and `status` have no need of. A bundle of its own (`rolldown.config.ts`). */
function loadOthers(): typeof ofSettings {
  const file = join(packageRoot, import.meta.filename.endsWith('.ts') ? 'src' : 'dist', 'schemas/compiled.js');
  return (createRequire(file)(file) as { readonly default: typeof ofSettings }).default;
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
