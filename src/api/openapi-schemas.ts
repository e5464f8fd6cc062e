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
  /** Which schema each is. */
  const sources = new Map<string, string>();

  const ref = (schema: string): Json => {
    const [file = '', pointer = ''] = schema.split('#');
    const root = read(file);
    const found = at(root, pointer);
    const name = nameOf(root, pointer, file);
    const source = sources.get(name) ?? schema;
    if (source !== schema) throw new Error(`${schema} and ${source} would both be called ${name}: give one a title`);
    if (!components.has(name)) {
      sources.set(name, schema);
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

/** The name in `$defs`, else the title; a part without one goes by what it is part of, because every list has `items`. */
function nameOf(root: Json, pointer: string, file: string): string {
  const keys = pointer.split('/').slice(1);
  const whole = keys[0] === '$defs' ? keys.slice(1, 2) : [titleOf(root) ?? file];
  const part = (keys[0] === '$defs' ? keys.slice(2) : keys).filter((key) => key !== 'properties');
  const title = keys[0] === '$defs' && part.length === 0 ? undefined : titleOf(at(root, pointer));
  const name = title ?? [...whole, ...part].join(' ');
  return name.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

const titleOf = ({ title }: Json): string | undefined => (typeof title === 'string' ? title : undefined);
