import { isScalar, visit, type Document } from 'yaml';

/** A key that stands twice in one mapping. Offsets in the text. */
export interface DuplicateKey {
  readonly first: number;
  readonly again: number;
}

/** The YAML library compares each key with all others of its mapping, which takes minutes for a mapping of a hundred thousand. */
export function duplicateKeys(yaml: Document): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  visit(yaml, {
    Map(_key, map) {
      const seen = new Map<unknown, number>();
      for (const { key } of map.items) {
        if (!isScalar(key) || !key.range) continue;
        const [at] = key.range;
        const first = seen.get(key.value);
        if (first === undefined) seen.set(key.value, at);
        else found.push({ first, again: at });
      }
    },
  });
  return found.toSorted((a, b) => a.again - b.again);
}
