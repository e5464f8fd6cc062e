/** `steps/nbd.serve.json#/properties/input` -> `steps_nbd_serve_input.js`: the file of a schema's validator in `compiled/`. */
export const validatorFileOf = (schema: string): string =>
  `${schema
    .replace('.json', '')
    .replace(/#\/(properties|\$defs)\//, '_')
    .replaceAll(/[^A-Za-z0-9]/g, '_')}.js`;
