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
export const describeErrors = (errors: readonly ErrorObject[] | null | undefined): string =>
  (errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message ?? 'is invalid'}`).join('; ');
