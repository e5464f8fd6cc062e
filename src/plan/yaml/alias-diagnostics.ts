import { isAlias, isMap, isPair, isScalar, isSeq, visit, type Alias, type Document, type Node } from 'yaml';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { isMergeKey, type PlanDocument } from './document.ts';
import { mayBeSecret } from './mask-line.ts';

/** A plan that has more values than this after its aliases are followed is no plan. */
const mostValues = 20_000;

/** What each alias stands for: the nearest anchor of its name before it. */
export function aliasesOf(yaml: Document): { aliases: Map<Alias, Node>; anchors: string[] } {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node>();
  visit(yaml, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) aliases.set(node, target);
      } else if (node.anchor) anchors.set(node.anchor, node as Node);
    },
  });
  return { aliases, anchors: [...anchors.keys()] };
}

/** Unknown anchors, cycles, merge keys that merge nothing, and documents that explode when aliases are followed. */
export function aliasDiagnostics(document: PlanDocument, yaml: Document, anchors: readonly string[]): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const add = (
    rule: 'yaml/unknown-anchor' | 'yaml/alias-cycle' | 'yaml/alias-bomb' | 'yaml/merge-key',
    node: Node,
    message: string,
    suggestion: string | null = null,
  ) => {
    const [start, end] = node.range ?? [0, 0];
    diagnostics.push(diagnosticOf(document, { rule, at: { span: { start, end } }, message, suggestion }));
  };
  const sizes = new Map<Node, number>();
  const open = new Set<Node>();
  let bomb: Node | undefined;

  function size(node: unknown): number {
    if (isPair(node)) return size(node.value);
    if (isAlias(node)) {
      const target = document.aliases.get(node);
      if (!target) {
        add(
          'yaml/unknown-anchor',
          node,
          isHidden(document, node)
            ? 'there is no such anchor before this'
            : `there is no anchor &${node.source} before this`,
          didYouMean(node.source, anchors),
        );
        return 1;
      }
      if (open.has(target)) {
        add('yaml/alias-cycle', node, `*${node.source} stands inside the value that it names`);
        return 1;
      }
      const total = size(target);
      if (total > mostValues) bomb ??= node;
      return total;
    }
    if (!isMap(node) && !isSeq(node)) return 1;
    const known = sizes.get(node as Node);
    if (known !== undefined) return known;
    open.add(node as Node);
    let total = 1;
    for (const item of node.items) total += size(item);
    open.delete(node as Node);
    sizes.set(node as Node, total);
    if (total > mostValues) bomb ??= node as Node;
    return total;
  }

  size(yaml.contents);
  if (bomb)
    add('yaml/alias-bomb', bomb, `the document has more than ${mostValues} values once its aliases are followed`);
  visit(yaml, {
    Pair(_key, pair) {
      if (isMergeKey(pair.key) && !mergeable(document, pair.value))
        add('yaml/merge-key', pair.key as Node, '<< does not name a mapping');
    },
  });
  return diagnostics;
}

const isHidden = ({ text }: PlanDocument, node: Node): boolean => {
  const start = text.lastIndexOf('\n', (node.range?.[0] ?? 0) - 1) + 1;
  return mayBeSecret(text.slice(start, node.range?.[0]));
};

function mergeable(document: PlanDocument, value: unknown): boolean {
  const node = isAlias(value) ? document.aliases.get(value) : value;
  if (isSeq(node)) return node.items.every((item) => isMap(isAlias(item) ? document.aliases.get(item) : item));
  // An alias without an anchor has its own diagnostic.
  return (
    isMap(node) || (isAlias(value) && node === undefined) || (!isScalar(node) && node !== null && node !== undefined)
  );
}
