type Json = Record<string, unknown>;

/**
 * Schemas of several files as the components of one document: each file and each part of `$defs` that is referred to gets
 * its title or name, and references lead there.
 */
export function componentSchemas(read: (file: string) => Json): {
  /** A reference to a schema, named as in `validatorOf`; it and all that it refers to become components. */
  ref(schema: string): Json;
  all(): Json;
} {
  const components = new Map<string, Json>();

  const ref = (schema: string): Json => {
    const [file = '', pointer = ''] = schema.split('#');
    const found = at(read(file), pointer);
    const name = nameOf(found, pointer, file);
    if (!components.has(name)) {
      // Before looking into it: a schema may refer to itself.
      components.set(name, {});
      components.set(name, inDocument(found, file) as Json);
    }
    return { $ref: `#/components/schemas/${name}` };
  };

  /** The same schema with its references leading to components, and without what says which file it was. */
  const inDocument = (schema: unknown, file: string): unknown => {
    if (Array.isArray(schema)) return schema.map((each) => inDocument(each, file));
    if (typeof schema !== 'object' || schema === null) return schema;
    const out: Json = {};
    for (const [key, value] of Object.entries(schema)) {
      if (key === '$ref' && typeof value === 'string') Object.assign(out, ref(absolute(value, file)));
      else if (key !== '$schema' && key !== '$id' && key !== '$defs') out[key] = inDocument(value, file);
    }
    return out;
  };

  return {
    ref,
    all: () => Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** `../domain.json#/$defs/jobId` from `node/x.json` -> `domain.json#/$defs/jobId`. */
function absolute(reference: string, file: string): string {
  const [path = '', pointer = ''] = reference.split('#');
  const target = path === '' ? file : new URL(path, `file:///${file}`).pathname.slice(1);
  return pointer === '' ? target : `${target}#${pointer}`;
}

const at = (schema: Json, pointer: string): Json =>
  pointer
    .split('/')
    .slice(1)
    .reduce((part, key) => part[key] as Json, schema);

/** As the generated types are called. */
function nameOf(schema: Json, pointer: string, file: string): string {
  const name = pointer.split('/').at(-1) || (typeof schema['title'] === 'string' ? schema['title'] : file);
  return name.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
