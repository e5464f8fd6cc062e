/** `steps/nbd.serve.json#/properties/input` -> `steps_nbd_serve_input`: the name of a schema's validator in `compiled.js`. */
export const exportNameOf = (schema: string): string =>
  schema
    .replace('.json', '')
    .replace(/#\/(properties|\$defs)\//, '_')
    .replaceAll(/[^A-Za-z0-9]/g, '_');
