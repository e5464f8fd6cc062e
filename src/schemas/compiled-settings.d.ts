import type { ValidateFunction } from 'ajv/dist/2020.js';

/** The validator of settings.json, named as in `compiled.d.ts`; made by test/tools/generate-validators.ts. */
declare const validators: Readonly<Record<string, ValidateFunction>>;
export default validators;
