import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { expressionError, type Expression } from './expression.ts';
import {
  childOf,
  constantNode,
  keysOf,
  schemaNode,
  typesOf,
  unionNode,
  type SchemaNode,
} from '../diagnostics/schema-node.ts';
import { shown } from '../../errors/findings/words.ts';

/** What references at one place of a pipeline can see. */
export interface References {
  readonly plan: Readonly<Record<string, unknown>>;
  readonly kind: string;
  /** All steps in order; `output` is undefined where `uses` is unknown, and then nothing is said about it. */
  readonly steps: readonly {
    readonly id: string;
    readonly output: SchemaNode | undefined;
    readonly needs: readonly string[];
  }[];
  /** Number of steps that have run when the expression is evaluated. */
  readonly at: number;
  /** The step runs also after one that failed: whatever is before it may not have run. */
  readonly afterFailure?: boolean;
  /** `schema`: what plan.x can be in any plan of the kind; `value`: what it is in this one. */
  readonly planBy: 'schema' | 'value';
}

type Reference = Extract<Expression, { type: 'path' }>;

const runNode: SchemaNode = {
  schema: {
    type: 'object',
    properties: { id: { type: 'string' }, started: { type: 'integer' } },
    required: ['id', 'started'],
    additionalProperties: false,
  },
  file: '',
};

/** The type of a reference. Throws `plan.invalid` with rule, start and end where it leads nowhere. */
export function typeOfReference(path: Reference, references: References): SchemaNode {
  const [first, ...rest] = path.segments;
  if (path.root === 'run') return walk(path, runNode, path.segments, 'ref/unknown-key');
  if (path.root === 'plan') {
    const type = walk(path, schemaNode(`plans/${references.kind}.json`), path.segments, 'ref/unknown-key');
    return references.planBy === 'schema' ? type : constantNode(valueAt(references.plan, path));
  }
  if (path.root !== 'steps') {
    const quoted = path.segments.length === 0 ? [`'${path.root}'`] : [];
    const suggestion = didYouMean(path.root, ['plan', 'run', 'steps']);
    throw expressionError(
      'ref/unknown-root',
      `there is nothing named ${shown(path.root)}`,
      { start: path.start, end: path.start + path.root.length },
      {
        allowed: ['plan', 'run', 'steps', ...quoted],
        suggestion,
      },
    );
  }
  if (!first)
    throw expressionError('ref/unknown-step', 'steps needs the id of a step after it', path, {
      allowed: earlier(references),
    });
  const step = stepOf(path, String(first.name), references);
  return step ? walk(path, step, rest, 'ref/unknown-output') : { schema: {}, file: '' };
}

function stepOf(path: Reference, id: string, references: References): SchemaNode | undefined {
  const index = references.steps.findIndex((step) => step.id === id);
  const span = path.segments[0] ?? path;
  const step = references.steps[index];
  if (!step) {
    throw expressionError('ref/unknown-step', `there is no step ${shown(id)}`, span, {
      allowed: earlier(references),
      suggestion: didYouMean(
        id,
        references.steps.map((other) => other.id),
      ),
    });
  }
  if (index < references.at) return step.output;
  const self = references.steps[references.at];
  if (self?.id === id)
    throw expressionError('ref/cycle', `the step ${shown(id)} refers to itself`, span, {
      allowed: earlier(references),
    });
  if (self && reaches(references, step.needs, self.id)) {
    throw expressionError('ref/cycle', `the steps ${shown(self.id)} and ${shown(id)} need each other`, span, {
      allowed: earlier(references),
    });
  }
  throw expressionError('ref/later-step', `the step ${shown(id)} runs after this one`, span, {
    allowed: earlier(references),
  });
}

const earlier = (references: References): string[] => references.steps.slice(0, references.at).map((step) => step.id);

function reaches(references: References, from: readonly string[], goal: string): boolean {
  const seen = new Set<string>();
  const open = [...from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === goal) return true;
    if (!seen.has(id)) open.push(...(references.steps.find((step) => step.id === id)?.needs ?? []));
    seen.add(id);
  }
  return false;
}

function walk(
  path: Reference,
  from: SchemaNode,
  segments: Reference['segments'],
  rule: 'ref/unknown-key' | 'ref/unknown-output',
): SchemaNode {
  let at = from;
  let name = path.root + (path.root === 'steps' ? `.${String(path.segments[0]?.name)}` : '');
  for (const segment of segments) {
    const child = childOf(at, segment.name);
    if (!child) {
      const allowed = keysOf(at);
      const isList = typesOf(at)?.includes('array') === true;
      const what =
        isList && typeof segment.name === 'string'
          ? `${name} is a list; take an entry first, for example ${name}[0]`
          : `${name} has no ${shown(segment.name)}`;
      throw expressionError(rule, what, segment, { allowed, suggestion: didYouMean(String(segment.name), allowed) });
    }
    name += typeof segment.name === 'number' ? `[${segment.name}]` : `.${segment.name}`;
    at = child;
  }
  return at;
}

function valueAt(plan: Readonly<Record<string, unknown>>, path: Reference): unknown {
  let at: unknown = plan;
  for (const { name } of path.segments) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return null;
    at = (at as Record<string | number, unknown>)[name];
  }
  return at ?? null;
}

/** The type of an expression whose references are all sound. */
export function typeOfExpression(expression: Expression, references: References): SchemaNode {
  switch (expression.type) {
    case 'literal':
      return constantNode(expression.value);
    case 'path':
      return typeOfReference(expression, references);
    case 'default': {
      const first = typeOfExpression(expression.first, references);
      const second = typeOfExpression(expression.second, references);
      if ('const' in first.schema) return first.schema['const'] === null ? second : first;
      return unionNode([first, second]);
    }
    default:
      return { schema: { type: 'boolean' }, file: '' };
  }
}

/** Ids of the steps that an expression refers to. */
export const stepsNamedBy = (paths: readonly Reference[]): string[] =>
  paths.filter((path) => path.root === 'steps' && path.segments[0]).map((path) => String(path.segments[0]?.name));
