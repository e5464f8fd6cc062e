import { schemaOf } from '../../src/schemas/validator.ts';

/** As much of JSON Schema as `schemas/` uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** The value that a pointer (`/a/b`) names. */
const at = (value: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value);

/** Where a reference from a file below `schemas/` leads: file and schema. */
function follow(ref: string, file: string): { readonly file: string; readonly schema: Schema; readonly name: string } {
  const [path = '', pointer = ''] = ref.split('#');
  const target = path === '' ? file : new URL(path, `file:///${file}`).pathname.slice(1);
  return { file: target, schema: at(schemaOf(target), pointer) as Schema, name: pointer.split('/').at(-1) ?? target };
}

/** A type in words: `string`, `list of diskDecision`, `auto \| full`. */
export function typeInWords(schema: Schema, file: string): string {
  if (schema.$ref !== undefined) {
    const { schema: target, file: targetFile, name } = follow(schema.$ref, file);
    return target.properties && schema.$ref.includes('$defs') ? `\`${name}\`` : typeInWords(target, targetFile);
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(' or ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map((choice) => typeInWords(choice, file)))].join(' or ');
  if (schema.type === 'array') return schema.items ? `list of ${typeInWords(schema.items, file)}` : 'list';
  if (schema.type === undefined) return 'anything';
  return [schema.type].flat().join(' or ');
}

/** The table of an object's fields. */
export function fieldsTable(schema: Schema, file: string): string {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return 'Nothing.';
  const rows = fields.map(([name, field]) => {
    const needed = schema.required?.includes(name)
      ? 'yes'
      : field.default === undefined
        ? 'no'
        : `default \`${String(field.default)}\``;
    const text =
      field.description ?? (field.$ref === undefined ? '' : follow(field.$ref, file).schema.description) ?? '';
    return `| \`${name}\` | ${typeInWords(field, file)} | ${needed} | ${text} |`;
  });
  return ['| field | type | needed | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
