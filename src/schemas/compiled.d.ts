import type { ValidateFunction } from 'ajv/dist/2020.js';

/** One validator for each schema, named by `export-name.ts`; made by test/tools/generate-validators.ts. */
declare const validators: Readonly<Record<string, ValidateFunction>>;
export default validators;
