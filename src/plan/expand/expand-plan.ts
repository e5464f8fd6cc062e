import type { Path } from '../../errors/findings/finding.ts';
import { isAbsolute, resolve } from 'node:path';
import type { Position } from '../../errors/sendense-error.ts';
// Types only: what plan/ hands to the engine.
import type { Pipeline, PipelineStep } from '../../engine/pipeline.ts';
import type { Plan, Runner } from '../../schemas/types.ts';
import { checkTemplate } from '../checks/check-expressions.ts';
import { checkStep, holdsTemplate } from '../checks/check-steps.ts';
import { createEvaluator } from '../expressions/create-evaluator.ts';
import { diagnosticOf, inOrder, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { isWritten, lineAndColumn, pointerOf, positionOf, spanAt, type PlanDocument } from '../yaml/document.ts';
import { durationMs, longestDuration } from '../../time/duration.ts';
import { conditionReferences, referencesIn } from '../expressions/references-in.ts';
import { vmOf } from '../plan-kinds.ts';
import { stepsNamedBy, type References } from '../expressions/reference-type.ts';
import { schemaNode, stepNames } from '../diagnostics/schema-node.ts';
import { stepDrafts, type StepDraft } from './step-drafts.ts';
import { conditionSource, isTemplate } from '../expressions/template.ts';
import { shown, wordOf } from '../../errors/findings/words.ts';

const evaluator = createEvaluator();

export interface ExpandedPlan {
  /** Undefined where there is a diagnostic. */
  readonly pipeline: Pipeline | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * A valid plan and the runner of its kind -> the pipeline for the engine. What stands in the plan is checked here; the
 * runners themselves are checked by a test.
 */
export function expandPlan(document: PlanDocument, plan: Plan, runner: Runner): ExpandedPlan {
  const drafts = stepDrafts(plan, runner);
  const references = referencesOf(plan, drafts);
  const diagnostics = checkPipeline(document, plan, runner);
  if (diagnostics.length > 0) return { pipeline: undefined, diagnostics };

  const timeouts: Diagnostic[] = [];
  const pipeline: Pipeline = {
    name: plan.name,
    kind: plan.kind,
    vm: vmOf(plan),
    file: document.file,
    folder: document.folder,
    plan: plan as unknown as Record<string, unknown>,
    steps: drafts.map((draft) => pipelineStep(document, plan, draft, timeouts)),
    result: resultOf(document, plan, runner, references),
  };
  return timeouts.length > 0 ? { pipeline: undefined, diagnostics: inOrder(timeouts) } : { pipeline, diagnostics: [] };
}

/**
 * What is wrong with the steps, commands and result that stand in a plan.
 * @param broken pointers of what is of the wrong form already: a step at or above one of them is passed over
 */
export function checkPipeline(
  document: PlanDocument,
  plan: Plan,
  runner: Runner,
  broken: readonly string[] = [],
): Diagnostic[] {
  const drafts = stepDrafts(plan, runner);
  const references = referencesOf(plan, drafts);
  const sound = (path: Path): boolean => !broken.some((pointer) => `${pointer}/`.startsWith(`${pointerOf(path)}/`));
  return inOrder([
    ...duplicateIds(document, drafts),
    ...drafts.flatMap((draft, at) =>
      draft.from === 'plan' && sound(draft.path) ? checkStep(document, draft, { ...references, at }) : [],
    ),
    ...(sound(['result']) ? checkResult(document, plan.result, ['result'], references) : []),
  ]);
}

const referencesOf = (plan: Plan, drafts: readonly StepDraft[]): References => ({
  plan: plan as unknown as Record<string, unknown>,
  kind: plan.kind,
  steps: drafts.map((draft) => ({ id: draft.id, ...linksOf(draft.written) })),
  at: drafts.length,
  planBy: 'value',
});

type Links = Pick<References['steps'][number], 'output' | 'needs'>;

/** By step as it is written, which is not changed once it is loaded: the steps of a runner serve many plans. */
const links = new WeakMap<StepDraft['written'], Links>();

function linksOf(written: StepDraft['written']): Links {
  let found = links.get(written);
  if (!found) links.set(written, (found = { output: outputOf(written), needs: needsOf(written) }));
  return found;
}

function outputOf(written: StepDraft['written']): Links['output'] {
  const uses = written.run ? 'command.run' : wordOf(written.uses);
  return stepNames().includes(uses) ? schemaNode(`steps/${uses}.json#/properties/output`) : undefined;
}

function needsOf(written: StepDraft['written']): string[] {
  const condition = typeof written.if === 'string' ? conditionReferences(written.if) : [];
  return stepsNamedBy([...condition, ...[written.with, written.run, written.env, written.cwd].flatMap(referencesIn)]);
}

function duplicateIds(document: PlanDocument, drafts: readonly StepDraft[]): Diagnostic[] {
  const seen = new Map<string, StepDraft>();
  return drafts.flatMap((draft) => {
    const first = seen.get(draft.id);
    if (!first) seen.set(draft.id, draft);
    const blamed = draft.from === 'plan' ? draft : first;
    if (!first || !blamed || blamed.from !== 'plan') return [];
    const path = isWritten(document, [...blamed.path, 'id']) ? [...blamed.path, 'id'] : blamed.path;
    const other =
      draft.from === 'runner' || first.from === 'runner'
        ? 'a step of the runner has it too'
        : `it stands in line ${lineOf(document, first)} already`;
    return [
      diagnosticOf(document, {
        rule: 'step/duplicate-id',
        at: { path, part: 'value' },
        message: `the id ${shown(draft.id)} is taken: ${other}`,
      }),
    ];
  });
}

const lineOf = (document: PlanDocument, draft: StepDraft): number =>
  positionOf(document, pointerOf([...draft.path, 'id'])).line;

function checkResult(document: PlanDocument, value: unknown, path: Path, references: References): Diagnostic[] {
  if (typeof value === 'string')
    return isTemplate(value) ? checkTemplate({ document, path, text: value }, references, undefined) : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) =>
    checkResult(document, entry, [...path, Array.isArray(value) ? Number(key) : key], references),
  );
}

/** The plan's result, else the runner's as far as the steps that it refers to are there. */
function resultOf(document: PlanDocument, plan: Plan, runner: Runner, references: References): Record<string, unknown> {
  if (plan.result) return plan.result as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(runner.result).filter(([, value]) => checkResult(document, value, [], references).length === 0),
  );
}

function pipelineStep(document: PlanDocument, plan: Plan, draft: StepDraft, problems: Diagnostic[]): PipelineStep {
  const { written } = draft;
  const timeout = timeoutOf(document, plan, draft, 'timeout', problems);
  const stallTimeout = timeoutOf(document, plan, draft, 'stallTimeout', problems);
  return {
    id: draft.id,
    uses: written.run ? 'command.run' : wordOf(written.uses),
    with: written.run
      ? { argv: written.run, env: written.env ?? {}, cwd: folderOf(document, written.cwd) }
      : ((written.with ?? {}) as Record<string, unknown>),
    ...(written.if === undefined ? {} : { if: conditionSource(written.if).source.trim() }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(stallTimeout === undefined ? {} : { stallTimeout }),
    retry: {
      attempts: written.retry ? (written.retry.attempts ?? 3) : 1,
      delay: durationMs(written.retry?.delay) ?? 1000,
      maxDelay: durationMs(written.retry?.maxDelay) ?? 30_000,
    },
    position: stepPosition(document, draft),
    ...nodePosition(document, draft),
  };
}

function folderOf(document: PlanDocument, cwd: string | undefined): string {
  if (cwd === undefined) return document.folder;
  if (!isTemplate(cwd)) return resolve(document.folder, cwd);
  return isAbsolute(cwd) || cwd.startsWith('${{') ? cwd : `${document.folder}/${cwd}`;
}

function timeoutOf(
  document: PlanDocument,
  plan: Plan,
  draft: StepDraft,
  key: 'timeout' | 'stallTimeout',
  problems: Diagnostic[],
): number | undefined {
  const text = draft.written[key];
  if (text === undefined) return undefined;
  const value = holdsTemplate(text)
    ? evaluator.value(text, { plan, run: { id: '', started: 0 }, steps: {}, outcome: 'success' })
    : text;
  const duration = durationMs(value);
  if (duration !== undefined && duration > 0 && duration <= longestDuration) return duration;
  const path = draft.from === 'plan' ? [...draft.path, key] : [key];
  const rule = duration === undefined ? 'ref/type' : 'duration/range';
  const message =
    duration === undefined
      ? `${key} must be a duration like 90s, not ${shown(value)}`
      : `${key} of ${shown(value)} is out of range`;
  problems.push(diagnosticOf(document, { rule, at: { path, part: 'value' }, message }));
  return undefined;
}

/**
 * Where an error of the step points: a step of the plan at its own line; one of the runner at the first key of the plan
 * that its inputs refer to and that stands in the text, else at `kind:`.
 */
function stepPosition(document: PlanDocument, { from, path, written }: StepDraft): Position {
  if (from === 'plan') return positionAt(document, path);
  for (const reference of referencesIn(written.with)) {
    const keys = reference.segments.map((segment) => segment.name);
    if (reference.root === 'plan' && isWritten(document, keys)) return positionAt(document, keys);
  }
  return positionAt(document, ['kind']);
}

/** Only for steps of the runner: a step of the plan points at itself. */
const nodePosition = (document: PlanDocument, { from, written }: StepDraft): { nodePosition?: Position } =>
  from === 'runner' && Object.hasOwn(written.with ?? {}, 'node') && isWritten(document, ['node'])
    ? { nodePosition: positionAt(document, ['node']) }
    : {};

const positionAt = (document: PlanDocument, path: Path): Position => ({
  file: document.file,
  ...lineAndColumn(document.lineStarts, spanAt(document, path, 'key').start),
});
