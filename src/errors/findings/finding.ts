import type { RuleId } from './rules.ts';

/** A place in a YAML document, key by key. */
export type Path = readonly (string | number)[];

/** Offsets in the text, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A mistake in settings or a plan, before anybody has looked up its line. */
export interface Finding {
  readonly rule: RuleId;
  /** Where it stands; a path is looked up in the document. */
  readonly at: { readonly path: Path; readonly part?: 'key' | 'value' } | { readonly span: Span; readonly path?: Path };
  readonly message: string;
  readonly allowed?: readonly string[];
  readonly suggestion?: string | null;
  /** Where the sentence of the rule is not precise enough. */
  readonly remedy?: string;
}
