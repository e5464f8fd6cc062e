import type { Finding, Path } from '../../errors/findings/finding.ts';
import { homedir } from 'node:os';
import type { ErrorObject } from 'ajv';
import { nodeAt, type PlanDocument } from '../yaml/document.ts';
import { branchesOf, childOf, propertiesOf, type SchemaNode } from './schema-node.ts';
import { described, shown, typeOfValue, typeWords } from '../../errors/findings/words.ts';

export function unknownKeyRemedy(
  key: string,
  home: string | undefined,
  schema: Record<string, unknown>,
): { remedy?: string } {
  if (home !== undefined) return { remedy: `Move it: ${key} belongs in ${home}.` };
  return schema['patternProperties'] === undefined ? { remedy: 'Correct the key, or remove it.' } : {};
}

export function typeFinding(
  document: PlanDocument,
  path: Path,
  value: unknown,
  types: readonly string[],
  what: string,
  hidden: boolean,
  schema: Record<string, unknown> = {},
): Finding {
  const wanted = typeWords(types);
  const is = hidden ? typeWords([typeOfValue(value)]) : described(value);
  const finding: Finding = {
    rule: 'schema/type',
    at: { path, part: 'value' },
    message:
      path.length === 0
        ? `the file holds ${is}, and keys with values are wanted`
        : `${what} must be ${wanted}, not ${is}`,
  };
  const remedy = remedyOf(document, path, value, types, hidden) ?? mappingRemedy(path, value, types, schema, hidden);
  return remedy === undefined ? finding : { ...finding, remedy };
}

function remedyOf(
  document: PlanDocument,
  path: Path,
  value: unknown,
  types: readonly string[],
  hidden: boolean,
): string | undefined {
  if (path.length === 0)
    return typeof value === 'string'
      ? 'Write "key: value", with a space after the colon.'
      : 'Begin each line with a key: "kind: backup".';
  const source = (nodeAt(document, path) as { source?: string } | undefined)?.source;
  if (types.includes('boolean') && typeof value === 'string') {
    return /^(yes|no|on|off|y|n)$/i.test(value)
      ? `Write ${/^(yes|on|y)$/i.test(value) ? 'true' : 'false'}: YAML 1.2 reads ${value} as text.`
      : 'Write true or false, without quotes.';
  }
  if (types.includes('array')) {
    if (typeof value === 'string' && path.at(-1) === 'run')
      return 'Write an argument list: [ "program", "argument" ]; no shell splits a line into words.';
    return types.length === 1 ? 'Write a list: [ … ], or one "- " entry on each line.' : undefined;
  }
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean') && !hidden)
    return `Put it in quotes: "${source ?? String(value)}".`;
  if ((types.includes('integer') || types.includes('number')) && typeof value === 'string' && /^[0-9]+$/.test(value))
    return 'Write the number without quotes.';
  if (value === null || value === undefined) return 'Give it a value, or leave the key out.';
  return undefined;
}

/** `vm: pgtest1` where `vm: { name: pgtest1 }` is wanted. */
function mappingRemedy(
  path: Path,
  value: unknown,
  types: readonly string[],
  schema: Record<string, unknown>,
  hidden: boolean,
): string | undefined {
  const required = (schema['required'] as string[] | undefined) ?? [];
  if (hidden || typeof value !== 'string' || types.join() !== 'object' || required.length !== 1) return undefined;
  const wanted = (schema['properties'] as Record<string, { type?: unknown }> | undefined)?.[required[0] ?? ''];
  if (wanted?.type === 'array') return undefined;
  const key = path.at(-1);
  const entry = `{ ${required[0]}: ${/^[\w./-]+$/.test(value) ? value : JSON.stringify(value)} }`;
  return `Write ${typeof key === 'string' && !/^\d+$/.test(key) ? `${key}: ` : ''}${entry}.`;
}

export const uniqueFinding = (path: Path, what: string, list: readonly unknown[], second: number): Finding => ({
  rule: 'schema/unique',
  at: { path: [...path, second], part: 'value' },
  message: `${what} holds ${shown(list[second])} twice`,
});

export function rangeFinding(path: Path, what: string, error: ErrorObject, value: unknown): Finding {
  const limit = Number(error.params['limit']);
  const entries = `${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  const messages: Readonly<Record<string, string>> = {
    minLength: `${what} is empty`,
    minItems: `${what} needs at least ${entries}`,
    minProperties: `${what} needs at least ${entries}`,
    maxItems: `${what} can have at most ${entries}`,
    minimum: `${what} is ${shown(value)}, and the smallest allowed is ${limit}`,
    maximum: `${what} is ${shown(value)}, and the largest allowed is ${limit}`,
  };
  return {
    rule: 'schema/range',
    at: { path, part: 'value' },
    message: messages[error.keyword] ?? `${what} is out of range`,
  };
}

/** How the schemas write that a path is not one of a shell. */
const noTilde = '(?!~)';

/** A path of the home folder as a shell takes it; null where that is not the mistake. */
export function homePathFinding(path: Path, what: string, pattern: string, value: unknown): Finding | null {
  if (typeof value !== 'string') return null;
  const text = value.replace(/^unix:/, '');
  if (!text.startsWith('~') || !(pattern.includes(noTilde) || pattern.startsWith('^/'))) return null;
  const own = text === '~' || text.startsWith('~/');
  return {
    rule: 'schema/home-path',
    at: { path, part: 'value' },
    message: `${what} begins with ~, which only a shell expands`,
    ...(own ? { remedy: `Write the absolute path: ${value.replace('~', homedir())}` } : {}),
  };
}

/** Where a key that is unknown here would be known: `vm.source`; undefined where there is no such place or several. */
export function homeOf(root: SchemaNode, key: string): string | undefined {
  const homes = new Set<string>();
  const search = (at: SchemaNode, path: string[], depth: number): void => {
    if (depth > 4) return;
    if (path.length > 0 && Object.hasOwn(propertiesOf(at), key)) homes.add(path.join('.'));
    for (const name of Object.keys(propertiesOf(at))) {
      const child = childOf(at, name);
      if (child) for (const branch of [child, ...branchesOf(child)]) search(branch, [...path, name], depth + 1);
    }
  };
  search(root, [], 0);
  return homes.size === 1 ? [...homes][0] : undefined;
}
