import { SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import type { PlanOutput } from '../schemas/types.ts';
import { positionOf, type Evaluator, type Pipeline, type PipelineStep, type Scope } from './pipeline.ts';
import { newRunId } from './run-id.ts';
import type { AnyStep, PlanContext, StepPreview, StepRegistry } from './step.ts';
import { schemaValidator, type StepValidator } from './step-validator.ts';

export interface PreviewOptions<S> {
  readonly pipeline: Pipeline;
  readonly registry: StepRegistry<S>;
  /** Have to be such that reading is all they can do, or on copies: the state opened with `readOnly`. */
  readonly services: S;
  readonly evaluator: Evaluator;
  readonly signal?: AbortSignal;
  readonly validator?: StepValidator;
  /** Milliseconds since the epoch. */
  now?(): number;
}

export type PreviewedStep = PlanOutput['steps'][number];

export interface Preview {
  readonly steps: readonly PreviewedStep[];
  /** What stands in for the outputs, by step id, as far as it is known. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/**
 * Dry-run: walks the steps and asks each what it would do, feeding what it says of its output to later steps.
 * @throws SendenseError what a step's `plan()` found, with the position of the step
 */
export async function previewPipeline<S>(options: PreviewOptions<S>): Promise<Preview> {
  const now = (options.now ?? Date.now)();
  const run = { id: newRunId(now), started: now };
  const outputs: Record<string, unknown> = {};
  const steps: PreviewedStep[] = [];
  for (const step of options.pipeline.steps) {
    const values: Scope = { plan: options.pipeline.plan, run, steps: outputs, outcome: 'success' };
    try {
      options.signal?.throwIfAborted();
      const { shown, output } = await previewStep(options, step, values);
      steps.push(shown);
      if (output !== undefined) outputs[step.id] = output;
    } catch (error) {
      const known = toSendenseError(error);
      known.position ??= positionOf(step, known.code);
      throw known;
    }
  }
  return { steps, outputs };
}

async function previewStep<S>(
  options: PreviewOptions<S>,
  step: PipelineStep,
  values: Scope,
): Promise<{ shown: PreviewedStep; output: unknown }> {
  const definition = options.registry.get(step.uses);
  if (!definition) throw new SendenseError('plan.invalid', `step ${step.id} uses ${step.uses}, which does not exist`);
  const runs = whetherItRuns(options.evaluator, step, values);
  const { input, unknown } = knownInput(options, step, values);
  const preview = runs === 'no' ? null : await ask(options, definition, step, values, input, unknown);
  const shown = {
    id: step.id,
    uses: step.uses,
    title: definition.title,
    runs,
    effects: [...(preview?.effects ?? [])],
    notes: [...(preview?.notes ?? [])],
    unknown: runs === 'no' ? [] : [...unknown, ...(preview?.unknown ?? [])],
  };
  return { shown, output: runs === 'yes' ? preview?.output : undefined };
}

/** `maybe`: only in a run that fails, or where the condition asks for what is not known yet. */
function whetherItRuns(evaluator: Evaluator, step: PipelineStep, values: Scope): PreviewedStep['runs'] {
  const holds = (outcome: Scope['outcome']): boolean =>
    evaluator.condition(step.if ?? 'success()', { ...values, outcome });
  try {
    if (holds('success')) return 'yes';
    return holds('failure') ? 'maybe' : 'no';
  } catch {
    return 'maybe';
  }
}

/** Each input by itself, so that what is known can be shown. */
function knownInput<S>(
  options: PreviewOptions<S>,
  step: PipelineStep,
  values: Scope,
): { input: Record<string, unknown>; unknown: string[] } {
  const input: Record<string, unknown> = {};
  const lacking: { readonly name: string; readonly when: string }[] = [];
  for (const [name, value] of Object.entries(step.with)) {
    try {
      input[name] = structuredClone(options.evaluator.value(value, values));
    } catch {
      lacking.push({ name, when: whenKnown(value) });
    }
  }
  const unknown = [...Map.groupBy(lacking, ({ when }) => when)].map(
    ([when, inputs]) => `${inputs.map(({ name }) => name).join(', ')}: ${when}`,
  );
  if (unknown.length > 0) return { input, unknown };
  try {
    (options.validator ?? schemaValidator).input(step.uses, input);
  } catch (error) {
    // What stands in for an output need not be whole.
    if (Object.keys(values.steps).length === 0) throw error;
    unknown.push(toSendenseError(error).message);
  }
  return { input, unknown };
}

/** In words when an input will be known: the steps that it refers to, in the order in which it does. */
function whenKnown(value: unknown): string {
  const steps = [...JSON.stringify(value).matchAll(/\bsteps\.([A-Za-z0-9_-]+)/g)].map(([, step]) => step);
  return steps.length === 0 ? 'known later' : `known after ${[...new Set(steps)].join(', ')}`;
}

async function ask<S>(
  options: PreviewOptions<S>,
  definition: AnyStep<S>,
  step: PipelineStep,
  values: Scope,
  input: Record<string, unknown>,
  unknown: readonly string[],
): Promise<StepPreview | null> {
  const context: PlanContext<S> = {
    runId: values.run.id,
    stepId: step.id,
    startedAt: values.run.started,
    planName: options.pipeline.name,
    planFolder: options.pipeline.folder,
    services: options.services,
    signal: options.signal ?? new AbortController().signal,
  };
  if (unknown.length === 0) return definition.plan(context, input);
  return (await definition.planPartly?.(context, input)) ?? null;
}
