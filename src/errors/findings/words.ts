/** A value in a message: short, on one line, quoted where it is text. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** A value as somebody may have written it, to look for what was meant; of a mapping or a list there is nothing to say. */
export const wordOf = (value: unknown): string => (typeof value === 'object' && value !== null ? '' : String(value));

/** `a, b or c` */
export function orList(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'null',
};

/** JSON Schema types in plain words. */
export const typeWords = (types: readonly string[]): string => orList(types.map((type) => typeNames[type] ?? type));

/** What a value is, with the value where it is short. */
export function described(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const kind = typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'a truth value' : 'a number';
  return `${kind} (${shown(value)})`;
}

export const typeOfValue = (value: unknown): string =>
  value === null || value === undefined
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'number'
        ? Number.isInteger(value)
          ? 'integer'
          : 'number'
        : typeof value;

/** A place in a document as people write it: `vm.source.disks[0].path` */
export const placeWords = (path: readonly (string | number)[]): string =>
  path.map((part, index) => (/^\d+$/.test(String(part)) ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
