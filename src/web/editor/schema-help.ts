import { placeAt } from './yaml-place.ts';

/** A JSON schema, or a part of one. */
export interface SchemaPart {
  readonly [keyword: string]: unknown;
}

/** Something that can be written at a position. */
export interface Offer {
  readonly label: string;
  /** `text`, `one of several`. */
  readonly detail: string;
  readonly info: string;
  /** What is written. */
  readonly insert: string;
  readonly kind: 'property' | 'enum';
}

const isPart = (value: unknown): value is SchemaPart =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const parts = (value: unknown): SchemaPart[] =>
  Array.isArray(value) ? value.filter(isPart) : isPart(value) ? [value] : [];
const named = (value: unknown): Readonly<Record<string, unknown>> => (isPart(value) ? value : {});

/** A part with all that it may stand for: references, alternatives, conditions. */
function withAlternatives(root: SchemaPart, part: SchemaPart): SchemaPart[] {
  const found = new Set<SchemaPart>();
  const add = (one: SchemaPart): void => {
    if (found.has(one)) return;
    found.add(one);
    const reference = one['$ref'];
    if (typeof reference === 'string') for (const next of parts(pointedAt(root, reference))) add(next);
    for (const word of ['allOf', 'anyOf', 'oneOf', 'then', 'else']) for (const next of parts(one[word])) add(next);
  };
  add(part);
  return [...found];
}

/** `#/$defs/name` */
function pointedAt(root: SchemaPart, reference: string): unknown {
  return reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '')
    .reduce<unknown>((at, step) => named(at)[step.replaceAll('~1', '/').replaceAll('~0', '~')], root);
}

function child(part: SchemaPart, step: string): SchemaPart[] {
  if (step === '*') return parts(part['items']);
  const own = named(part['properties']);
  if (Object.hasOwn(own, step)) return parts(own[step]);
  const fitting = Object.entries(named(part['patternProperties'])).filter(([pattern]) =>
    new RegExp(pattern, 'u').test(step),
  );
  return fitting.length > 0 ? fitting.flatMap(([, one]) => parts(one)) : parts(part['additionalProperties']);
}

/** The schema of the kind that a text names. */
function rootFor(root: SchemaPart, text: string): SchemaPart {
  const kind = /^kind:\s*["']?([\w-]+)/m.exec(text)?.[1];
  const own = kind === undefined ? undefined : named(root['$defs'])[`plans.${kind}`];
  return isPart(own) ? own : root;
}

/** All that may describe the value at a path. */
function describing(root: SchemaPart, text: string, path: readonly string[]): SchemaPart[] {
  let found = withAlternatives(root, rootFor(root, text));
  for (const step of path)
    found = found.flatMap((part) => child(part, step)).flatMap((part) => withAlternatives(root, part));
  return [...new Set(found)];
}

const sentence = (part: SchemaPart): string => (typeof part['description'] === 'string' ? part['description'] : '');

function typeOf(those: readonly SchemaPart[]): string {
  const types = [...new Set(those.flatMap((part) => [part['type'] ?? []].flat().map(String)))];
  return types.map((type) => ({ object: 'mapping', array: 'list', integer: 'number' })[type] ?? type).join(' or ');
}

function values(those: readonly SchemaPart[]): string[] {
  const all = those.flatMap((part) => [
    ...(Array.isArray(part['enum']) ? (part['enum'] as unknown[]) : []),
    ...('const' in part ? [part['const']] : []),
    ...(part['type'] === 'boolean' ? [true, false] : []),
  ]);
  return [...new Set(all.filter((value) => value !== null).map(String))];
}

/** What can be written at a position. @param line counts from 0, as `column` does */
export function offersAt(
  root: SchemaPart,
  lines: readonly string[],
  line: number,
  column: number,
): { readonly word: string; readonly offers: readonly Offer[] } {
  const text = lines.join('\n');
  const { path, at, word, beside } = placeAt(lines, line, column);
  const around = describing(root, text, path);
  if (at === 'value')
    return {
      word,
      offers: values(around).map((label) => ({ label, detail: '', info: '', insert: label, kind: 'enum' })),
    };
  const taken = new Set(beside);
  const keys = new Map<string, Offer>();
  for (const part of around)
    for (const [label, value] of Object.entries(named(part['properties']))) {
      if (taken.has(label) || keys.has(label)) continue;
      const those = parts(value).flatMap((one) => withAlternatives(root, one));
      const info = those.map(sentence).find((one) => one !== '') ?? '';
      keys.set(label, { label, detail: typeOf(those), info, insert: `${label}: `, kind: 'property' });
    }
  return { word, offers: [...keys.values()] };
}

/** What the key at a position means; null: it is no key, or an unknown one. `from` and `to`: columns of the key. */
export function meaningAt(
  root: SchemaPart,
  lines: readonly string[],
  line: number,
  column: number,
): {
  readonly from: number;
  readonly to: number;
  readonly key: string;
  readonly type: string;
  readonly text: string;
} | null {
  const all = lines[line] ?? '';
  const from = all.slice(0, column).search(/[\w.-]*$/);
  const key = /^[\w.-]+/.exec(all.slice(from))?.[0] ?? '';
  const to = from + key.length;
  if (key === '' || !/^["']?\s*:(?:\s|$)/.test(all.slice(to))) return null;
  const { path } = placeAt(lines, line, from);
  const those = describing(root, lines.join('\n'), [...path, key]);
  const text = those.map(sentence).find((one) => one !== '') ?? '';
  const allowed = values(those);
  const usual = those
    .map((part) => part['default'])
    .find((one) => ['string', 'number', 'boolean'].includes(typeof one));
  if (those.length === 0) return null;
  const more = [
    ...(allowed.length > 0 ? [`One of: ${allowed.join(', ')}.`] : []),
    ...(usual === undefined ? [] : [`Default: ${String(usual)}.`]),
  ];
  return { from, to, key, type: typeOf(those), text: [text, ...more].filter((one) => one !== '').join('\n') };
}
