import type { Path, Span } from '../../errors/findings/finding.ts';
import { isScalar } from 'yaml';
import { SendenseError } from '../../errors/sendense-error.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { nodeAt, spanAt, type PlanDocument } from '../yaml/document.ts';
import { expressionError, pathsIn, pathsWithoutDefault, type Expression } from '../expressions/expression.ts';
import { parseExpression } from '../expressions/parse-expression.ts';
import { typeOfExpression, typeOfReference, type References } from '../expressions/reference-type.ts';
import type { RuleId } from '../../errors/findings/rules.ts';
import { mismatch } from '../diagnostics/schema-mismatch.ts';
import { typesOf, type SchemaNode } from '../diagnostics/schema-node.ts';
import { conditionSource, templateParts } from '../expressions/template.ts';
import { shown, typeWords } from '../../errors/findings/words.ts';

/** One text of the document that holds expressions. */
export interface ExpressionText {
  readonly document: PlanDocument;
  readonly path: Path;
  readonly text: string;
}

/** Everything that is wrong with the expressions of a text, `wanted` being what may come out. */
export function checkTemplate(
  place: ExpressionText,
  references: References,
  wanted: SchemaNode | undefined,
): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const parts = attempt(problems, place, 0, () => templateParts(place.text)) ?? [];
  const whole = parts.length === 1;
  for (const part of parts) {
    if (part.type === 'text') continue;
    const tree = attempt(problems, place, part.start, () => parseExpression(part.source, 'value'));
    if (!tree || !soundReferences(problems, place, part.start, tree, references)) continue;
    if (references.afterFailure === true) attempt(problems, place, part.start, () => mayBeMissing(tree));
    attempt(problems, place, part.start, () => {
      const type = typeOfExpression(tree, references);
      if (whole) fits(tree, type, wanted);
      else isScalarType(tree, type);
    });
  }
  if (!whole && wanted && problems.length === 0) {
    attempt(problems, place, 0, () =>
      fits(
        { type: 'literal', value: '', start: 0, end: place.text.length },
        { schema: { type: 'string' }, file: '' },
        wanted,
      ),
    );
  }
  return problems;
}

/** Everything that is wrong with a condition. */
export function checkCondition(place: ExpressionText, references: References): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const { source, start } = conditionSource(place.text);
  const tree = attempt(problems, place, start, () => parseExpression(source, 'condition'));
  if (tree && soundReferences(problems, place, start, tree, references)) {
    attempt(problems, place, start, () => isTruth(tree, { ...references, planBy: 'schema' }));
  }
  return problems;
}

function soundReferences(
  problems: Diagnostic[],
  place: ExpressionText,
  offset: number,
  tree: Expression,
  references: References,
): boolean {
  const before = problems.length;
  for (const path of pathsIn(tree)) attempt(problems, place, offset, () => typeOfReference(path, references));
  return problems.length === before;
}

/** A step that must run in any case would fail over the value of one that did not run. */
function mayBeMissing(tree: Expression): void {
  const path = pathsWithoutDefault(tree).find(({ root }) => root === 'steps');
  if (!path) return;
  const { name } = path.segments[0] ?? { name: '?' };
  throw expressionError(
    'ref/may-not-run',
    `this step runs also after a failure, and then ${shown(name)} may not have run`,
    path,
  );
}

function fits(tree: Expression, type: SchemaNode, wanted: SchemaNode | undefined): void {
  const why = wanted && mismatch(type, wanted);
  if (why) throw expressionError('ref/type', `this value does not fit: ${why}`, tree);
}

function isScalarType(tree: Expression, type: SchemaNode): void {
  const types = typesOf(type);
  if (!types || types.some((name) => !['object', 'array', 'null'].includes(name))) return;
  throw expressionError('ref/type', `${typeWords(types)} cannot stand inside a text`, tree, {
    remedy: types.includes('null')
      ? "Say what to use instead: default(…, '')."
      : 'Let the expression be the whole value, or refer to something inside it.',
  });
}

function isTruth(tree: Expression, references: References): void {
  if (tree.type === 'and' || tree.type === 'or') {
    isTruth(tree.left, references);
    isTruth(tree.right, references);
  } else if (tree.type === 'not') isTruth(tree.operand, references);
  else if (tree.type === 'compare') comparable(tree, references);
  else {
    const types = typesOf(typeOfExpression(tree, references));
    if (!types || types.includes('boolean')) return;
    throw expressionError(
      'expression/type',
      `a condition must be true or false, and this is ${typeWords(types)}`,
      tree,
    );
  }
}

function comparable(tree: Extract<Expression, { type: 'compare' }>, references: References): void {
  const [left, right] = [tree.left, tree.right].map((side) => {
    const type = typeOfExpression(side, references);
    const types = typesOf(type);
    if (types?.every((name) => name === 'object' || name === 'array')) {
      throw expressionError('expression/type', `${typeWords(types)} cannot be compared`, side, {
        remedy: 'Compare something inside it.',
      });
    }
    return type;
  }) as [SchemaNode, SchemaNode];
  const isNull = (type: SchemaNode): boolean => 'const' in type.schema && type.schema['const'] === null;
  if (tree.operator === '==' || tree.operator === '!=') {
    if (isNull(left) || isNull(right)) return;
    const apart = 'const' in left.schema ? mismatch(left, right) : mismatch(right, left);
    if (apart) throw neverEqual(tree, left, right);
    return;
  }
  const ordered = (type: SchemaNode): boolean =>
    typesOf(type)?.some((name) => ['string', 'number', 'integer'].includes(name)) ?? true;
  if (ordered(left) && ordered(right) && !mismatch(typeOnly(left), typeOnly(right))) return;
  throw expressionError('expression/type', `${tree.operator} needs two numbers or two texts`, tree, {
    remedy: 'Use == or !=, or compare values of one type.',
  });
}

function neverEqual(tree: Expression, left: SchemaNode, right: SchemaNode): Error {
  const choices = [left, right].flatMap((type) => (type.schema['enum'] as unknown[] | undefined) ?? []).map(String);
  const [a, b] = [left, right].map((type) => typeWords(typesOf(type) ?? []));
  const why = a === b ? 'the other side never has this value' : `one is ${a}, the other ${b}`;
  const remedy = a === b ? 'Compare with one of the allowed values.' : 'Compare values of the same type.';
  return expressionError('expression/type', `the two sides are never equal: ${why}`, tree, {
    allowed: choices,
    remedy,
  });
}

const typeOnly = (type: SchemaNode): SchemaNode => {
  const types = typesOf(type);
  return types ? { schema: { type: types }, file: '' } : constantFree;
};

const constantFree: SchemaNode = { schema: {}, file: '' };

/** Runs a check; what it throws becomes a diagnostic at its place in the document. */
function attempt<T>(problems: Diagnostic[], place: ExpressionText, offset: number, check: () => T): T | undefined {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof SendenseError) || typeof error.details?.['rule'] !== 'string') throw error;
    const { rule, start, end, allowed, suggestion, remedy } = error.details as {
      rule: RuleId;
      start: number;
      end: number;
      allowed?: string[];
      suggestion?: string;
      remedy?: string;
    };
    problems.push(
      diagnosticOf(place.document, {
        rule,
        at: { span: spanInText(place, offset + start, offset + end), path: place.path },
        message: error.message,
        allowed: allowed ?? [],
        suggestion: suggestion ?? null,
        ...(remedy === undefined ? {} : { remedy }),
      }),
    );
    return undefined;
  }
}

/** Offsets in a scalar's text -> offsets in the file; the whole scalar where escapes or folding are in the way. */
export function spanInText({ document, path, text }: ExpressionText, start: number, end: number): Span {
  const node = nodeAt(document, path);
  if (isScalar(node) && node.range) {
    const raw = document.text.slice(node.range[0], node.range[1]);
    const whole = raw.indexOf(text);
    if (whole >= 0) return { start: node.range[0] + whole + start, end: node.range[0] + whole + end };
    const lineStart = text.lastIndexOf('\n', start - 1) + 1;
    const lineEnd = text.indexOf('\n', start);
    const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd).trim();
    const at = line === '' ? -1 : raw.indexOf(line);
    const inLine = start - text.indexOf(line, lineStart);
    if (at >= 0)
      return { start: node.range[0] + at + inLine, end: node.range[0] + at + inLine + Math.max(end - start, 1) };
  }
  return spanAt(document, path, 'value');
}
