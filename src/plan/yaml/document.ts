import { isAlias, isMap, isScalar, isSeq, type Alias, type Document, type Node, type Pair } from 'yaml';
import type { Path, Span } from '../../errors/findings/finding.ts';
import type { Position } from '../../errors/sendense-error.ts';

/** A parsed YAML file that still knows where everything stands. */
export interface PlanDocument {
  /** As the user named it. */
  readonly file: string;
  /** Absolute folder of the file; relative paths in it count from here. */
  readonly folder: string;
  readonly text: string;
  readonly yaml: Document | undefined;
  /** What the text says, as plain data and without defaults. Not to be changed. */
  readonly value: unknown;
  readonly aliases: ReadonlyMap<Alias, Node>;
  /** Offset at which each line begins. */
  readonly lineStarts: readonly number[];
}

export const pointerOf = (path: Path): string =>
  path.map((part) => '/' + String(part).replaceAll('~', '~0').replaceAll('/', '~1')).join('');

export const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

export function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Line and column of an offset, from 1; columns count UTF-16 units. */
export function lineAndColumn(lineStarts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}

export const isMergeKey = (key: unknown): boolean =>
  isScalar(key) &&
  (typeof key.value === 'symbol' ? key.value.description === '<<' : key.value === '<<' && key.type === 'PLAIN');

interface Found {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

const follow = (document: PlanDocument, node: unknown): unknown => (isAlias(node) ? document.aliases.get(node) : node);

/** The entry of a mapping, also one that came in through `<<`. */
function pairOf(document: PlanDocument, node: unknown, name: string): Pair | undefined {
  const map = follow(document, node);
  if (isSeq(map)) {
    for (const item of map.items) {
      const pair = pairOf(document, item, name);
      if (pair) return pair;
    }
  }
  if (!isMap(map)) return undefined;
  const own = map.items.find((pair) => isScalar(pair.key) && !isMergeKey(pair.key) && String(pair.key.value) === name);
  if (own) return own as Pair;
  for (const pair of map.items) {
    const found = isMergeKey(pair.key) ? pairOf(document, pair.value, name) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** The nodes at a path, or as far as the path exists in the text. */
function find(document: PlanDocument, path: Path): Found & { complete: boolean } {
  let found: Found = { key: undefined, value: (document.yaml?.contents as Node | null | undefined) ?? undefined };
  for (const part of path) {
    const node = follow(document, found.value);
    if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (!item) return { ...found, complete: false };
      found = { key: undefined, value: item };
    } else {
      const pair = pairOf(document, node, String(part));
      if (!pair) return { ...found, complete: false };
      found = { key: pair.key as Node, value: (pair.value as Node | null) ?? undefined };
    }
  }
  return { ...found, complete: true };
}

export const nodeAt = (document: PlanDocument, path: Path): Node | undefined => {
  const found = find(document, path);
  return found.complete ? (follow(document, found.value) as Node | undefined) : undefined;
};

/** Whether the text itself has something at the path (and not only the defaults). */
export const isWritten = (document: PlanDocument, path: Path): boolean => find(document, path).complete;

const spanOf = (node: Node | undefined): Span | undefined =>
  node?.range ? { start: node.range[0], end: Math.max(node.range[1], node.range[0]) } : undefined;

/** The first key of a mapping or the first entry of a list stands for the whole of it. */
function head(node: unknown): Span | undefined {
  if (isMap(node) && !node.flow) return spanOf(node.items[0]?.key as Node | undefined);
  if (isSeq(node) && !node.flow) return head(node.items[0]);
  return spanOf(node as Node | undefined);
}

/**
 * What to underline for a path: its key, or its value where `part` is `value` and the value is short; for what is not in
 * the text the nearest thing around it.
 */
export function spanAt(document: PlanDocument, path: Path, part: 'key' | 'value'): Span {
  const found = find(document, path);
  const value = isAlias(found.value) ? found.value : (follow(document, found.value) as Node | undefined);
  const key = spanOf(found.key);
  if (part === 'value' && found.complete && value) {
    const block = (isMap(value) || isSeq(value)) && !value.flow;
    const blockText = isScalar(value) && (value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED');
    const span = spanOf(value);
    if (span && span.end > span.start && !block && !blockText) return span;
  }
  return key ?? head(value) ?? { start: 0, end: 0 };
}

/** Line and column of the value or key that a JSON pointer names, for errors at run time. */
export function positionOf(document: PlanDocument, pointer: string): Position {
  return { file: document.file, ...lineAndColumn(document.lineStarts, spanAt(document, pathOf(pointer), 'key').start) };
}
