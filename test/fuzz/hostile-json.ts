import fc from 'fast-check';
import { changedBytes, hostileText, numberTexts, part, prototypeWords } from './hostile.ts';

/** Stands in a value for text that JSON.stringify would never write: `1e309`, a key twice, ten thousand brackets. */
const mark = '\u0001raw:';
const raw = (text: string): string => `${mark}${Buffer.from(text).toString('hex')}`;

/** @returns JSON, or what nearly is */
export function jsonText(value: unknown, space?: number): string {
  return (JSON.stringify(value, null, space) ?? 'null').replaceAll(/"\\u0001raw:([0-9a-f]*)"/g, (_all, hex: string) =>
    Buffer.from(hex, 'hex').toString(),
  );
}

const deep = (open: string, inner: string, close: string, depth: number): string =>
  raw(open.repeat(depth) + inner + close.repeat(depth));

/** Put in the place of any value. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 300, arbitrary: hostileText },
  { weight: 150, arbitrary: fc.constantFrom(...numberTexts.filter((text) => /^-?[0-9]/.test(text))).map(raw) },
  { weight: 150, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], '', 0, -1, 1.5) },
  {
    weight: 50,
    arbitrary: fc.constantFrom(...prototypeWords).map((word) => raw(`{${JSON.stringify(word)}: {"a": 1}}`)),
  },
  {
    weight: 50,
    arbitrary: fc
      .constantFrom(...prototypeWords)
      .map((word) => raw(`{${JSON.stringify(word)}: null, "kind": "backup"}`)),
  },
  { weight: 50, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 15,
    arbitrary: fc.constantFrom(
      deep('[', '', ']', 50),
      deep('[', '', ']', 5_000),
      deep('{"a":', '1', '}', 3_000),
      raw(`[${'0,'.repeat(5_000)}0]`),
      raw(`{${Array.from({ length: 2_000 }, (_, at) => `"k${at}":0`).join(',')}}`),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(deep('[', '', ']', 200_000), raw(`[${'{},'.repeat(100_000)}{}]`)) },
);

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, inner]) =>
      pathsOf(inner, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

/** A copy with something else at a path: what `change` makes of the object or list that holds it. */
function withChange(value: unknown, path: Path, change: (holder: unknown, key: string | number) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (rest.length === 0) return change(value, key);
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const held = (copy as Record<string | number, unknown>)[key];
  (copy as Record<string | number, unknown>)[key] = withChange(held, rest, change);
  return copy;
}

const put = (holder: unknown, key: string | number, value: unknown): unknown =>
  Array.isArray(holder)
    ? (holder as unknown[]).with(Number(key), value)
    : Object.fromEntries(Object.entries(holder as object).map(([name, inner]) => [name, name === key ? value : inner]));

function drop(holder: unknown, key: string | number): unknown {
  if (Array.isArray(holder)) return holder.toSpliced(Number(key), 1);
  return Object.fromEntries(Object.entries(holder as object).filter(([name]) => name !== key));
}

function twice(holder: unknown, key: string | number): unknown {
  const held = (holder as Record<string | number, unknown>)[key];
  if (Array.isArray(holder)) return [...(holder as unknown[]), held];
  const fields = Object.entries(holder as object).map(([name, inner]) => `${JSON.stringify(name)}:${jsonText(inner)}`);
  return raw(`{${fields.join(',')},${JSON.stringify(String(key))}:${jsonText(held)}}`);
}

const rename = (holder: unknown, key: string | number, name: string): unknown =>
  Array.isArray(holder)
    ? holder
    : raw(
        `{${Object.entries(holder as object)
          .map(([own, inner]) => `${JSON.stringify(own === key ? name : own)}:${jsonText(inner)}`)
          .join(',')}}`,
      );

type Change = (value: unknown) => unknown;

/** One change of a document, at a place that is a part of all its places. */
const change: fc.Arbitrary<Change> = fc
  .tuple(
    part,
    fc.oneof(
      {
        weight: 6,
        arbitrary: hostileValue.map((value) => (holder: unknown, key: string | number) => put(holder, key, value)),
      },
      { weight: 1, arbitrary: fc.constantFrom(drop, twice) },
      {
        weight: 1,
        arbitrary: hostileText.map((name) => (holder: unknown, key: string | number) => rename(holder, key, name)),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(hostileText, hostileValue).map(
          ([name, value]) =>
            (holder: unknown) =>
              Array.isArray(holder)
                ? [...(holder as unknown[]), value]
                : Object.fromEntries([...Object.entries(holder as object), [name, value]]),
        ),
      },
    ),
  )
  .map(([at, how]): Change => (value) => {
    const paths = pathsOf(value);
    const path = paths[Math.floor(at * paths.length)] ?? [];
    return path.length === 0 ? value : withChange(value, path, how);
  });

/** A document of which some places were changed; as a value whose text {@link jsonText} gives. */
export const changedValue = (sound: fc.Arbitrary<unknown>, most = 3): fc.Arbitrary<unknown> =>
  fc
    .tuple(sound, fc.array(change, { minLength: 0, maxLength: most, size: 'max' }))
    .map(([value, changes]) => changes.reduce<unknown>((now, one) => one(now), value));

/** Texts of documents that are wrong in their meaning, in their form, or not at all. */
export const hostileJson = (sound: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> => {
  const texts = changedValue(sound).map((value) => Buffer.from(jsonText(value)));
  return fc.oneof(
    { weight: 8, arbitrary: texts },
    { weight: 2, arbitrary: changedBytes(texts, 2) },
    { weight: 1, arbitrary: hostileValue.map((value) => Buffer.from(jsonText(value))) },
    { weight: 1, arbitrary: hostileText.map((text) => Buffer.from(text)) },
  );
};

/** What JSON.parse makes of it, where it is JSON; undefined else. */
export function parsedOf(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
