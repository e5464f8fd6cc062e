import { isMap, isScalar } from 'yaml';
import { basename } from 'node:path';
import type { Plan } from '../schemas/types.ts';
import { validatorOf } from '../schemas/validator.ts';
import { checkPlan } from './checks/check-plan.ts';
import { diagnosticOf, inOrder, type Diagnostic } from './diagnostics/diagnostic.ts';
import { didYouMean } from '../errors/findings/did-you-mean.ts';
import type { PlanDocument } from './yaml/document.ts';
import { parseDocument, valueOf } from './yaml/parse-document.ts';
import { readDocument } from './yaml/read-document.ts';
import { schemaDiagnostics } from './diagnostics/schema-diagnostics.ts';
import { planKinds, schemaNode } from './diagnostics/schema-node.ts';
import { shown } from '../errors/findings/words.ts';

export interface LoadedPlan {
  readonly document: PlanDocument;
  /** With defaults filled in; undefined where there is a diagnostic. */
  readonly plan: Plan | undefined;
  /** The plan with whatever is wrong in it, for further checks; undefined where not even its kind is known. */
  readonly draft: Plan | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and checks a plan by itself: text, form, and what needs neither runner nor settings. */
export function loadPlanFile(path: string): LoadedPlan {
  const read = readDocument(path);
  if ('text' in read) return loadPlanText({ file: path, text: read.text });
  const { document } = parseDocument({ file: path, text: '' });
  return { document, plan: undefined, draft: undefined, diagnostics: [read.diagnostic] };
}

/** @param folder absolute; default: the folder of `file` */
export function loadPlanText(source: { file: string; text: string; folder?: string }): LoadedPlan {
  const { document, diagnostics: syntax, intact } = parseDocument(source);
  if (!intact || hasTwoKinds(document))
    return { document, plan: undefined, draft: undefined, diagnostics: inOrder(syntax) };
  const value = valueOf(document);
  const form = formDiagnostics(document, value);
  const found = [...syntax, ...form, ...checkPlan(document)];
  // A value that holds a misplaced expression is also of the wrong form; the first says why.
  const misplaced = new Set(found.filter((item) => item.rule === 'expression/not-here').map((item) => item.path));
  const diagnostics = inOrder(found.filter((item) => !misplaced.has(item.path) || item.rule === 'expression/not-here'));
  const draft = isKnownKind(value) ? (value as Plan) : undefined;
  return { document, plan: diagnostics.length === 0 ? draft : undefined, draft, diagnostics };
}

/** Which of two kinds is meant decides about everything else. */
const hasTwoKinds = ({ yaml }: PlanDocument): boolean =>
  isMap(yaml?.contents) &&
  yaml.contents.items.filter((pair) => isScalar(pair.key) && pair.key.value === 'kind').length > 1;

const isKnownKind = (value: unknown): boolean => {
  const kind = (value as { kind?: unknown } | null)?.kind;
  return typeof kind === 'string' && planKinds().includes(kind);
};

/** The kind decides the schema. Where it is misspelt, the rest is checked as the kind that was meant. Fills in defaults. */
function formDiagnostics(document: PlanDocument, value: unknown): Diagnostic[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return validate(document, 'plan.json', value);
  const kind = (value as { kind?: unknown }).kind;
  if (typeof kind === 'string' && planKinds().includes(kind)) return validate(document, `plans/${kind}.json`, value);
  const kindKey = kind === undefined ? didYouMeanKind(Object.keys(value)) : undefined;
  const meant = typeof kind === 'string' ? didYouMean(kind, planKinds()) : null;
  const wrong =
    kind === undefined
      ? diagnosticOf(document, {
          rule: kindKey === undefined ? 'schema/required' : 'schema/unknown-key',
          at: { path: kindKey === undefined ? [] : [kindKey] },
          message: kindKey === undefined ? 'the key "kind" is missing' : `unknown key ${shown(kindKey)}`,
          allowed: kindKey === undefined ? planKinds() : [],
          suggestion: kindKey === undefined ? null : 'kind',
          remedy: missingKindRemedy(value),
        })
      : diagnosticOf(document, {
          rule: 'schema/enum',
          at: { path: ['kind'], part: 'value' },
          message: `kind cannot be ${shown(kind)}`,
          allowed: planKinds(),
          suggestion: meant,
        });
  const rest =
    meant === null ? [] : validate(document, `plans/${meant}.json`, value).filter((item) => item.path !== '/kind');
  return [wrong, ...rest];
}

const didYouMeanKind = (keys: readonly string[]): string | undefined =>
  keys.find((key) => didYouMean(key, ['kind']) !== null);

/** Whether a file is more likely settings than a plan, whatever its name. */
export const looksLikeSettings = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !('kind' in value) && 'repositories' in value;

/** Whether it is the settings of a node, which lie beside those of the hub in /etc/sendense. */
export const looksLikeNodeSettings = ({ file, value }: Pick<PlanDocument, 'file' | 'value'>): boolean =>
  basename(file) === 'node.yaml' && !(typeof value === 'object' && value !== null && 'kind' in value);

const missingKindRemedy = (value: object): string =>
  looksLikeSettings(value)
    ? 'This looks like settings; they stand in a file named sendense.yaml.'
    : 'Add "kind: backup", "kind: incremental" or "kind: restore".';

function validate(document: PlanDocument, schema: string, value: unknown): Diagnostic[] {
  const check = validatorOf(schema);
  return check(value) ? [] : schemaDiagnostics(document, check.errors ?? [], schemaNode(schema));
}
