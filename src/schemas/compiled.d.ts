/* One validator for each schema, named by `export-name.ts`; see test/tools/generate-validators.ts. */
export {};
