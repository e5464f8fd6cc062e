import { expect, test } from 'vitest';
import { previewPipeline } from '../../src/engine/preview-pipeline.ts';
import type { AnyStep } from '../../src/engine/step.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { anyJson, fakeEvaluator, fakeStep, pipelineOf, type Effects, type StepChanges } from './fake-run.ts';

const preview = (steps: readonly AnyStep<Effects>[], changes: StepChanges = {}) =>
  previewPipeline({
    pipeline: pipelineOf(steps, changes),
    registry: new Map(steps.map((step) => [step.uses, step])),
    services: { folder: '/nonexistent' },
    evaluator: fakeEvaluator,
    validator: anyJson,
  });

const create = (target: string) => ({ action: 'create' as const, target, detail: '', argv: null });

test('feeds what a step says of its output to later steps', async () => {
  const a = fakeStep('a', { plan: async () => ({ effects: [create('x')], output: { file: 'x' }, notes: ['small'] }) });
  const b = fakeStep('b', {
    plan: async (_context, input) => ({ effects: [create(`${(input as { from: string }).from}.copy`)] }),
  });
  const { steps, outputs } = await preview([a, b], { b: { with: { from: '${{ steps.a.file }}' } } });
  expect(steps).toEqual([
    { id: 'a', uses: 'fake.a', title: 'Fake a', runs: 'yes', effects: [create('x')], notes: ['small'], unknown: [] },
    { id: 'b', uses: 'fake.b', title: 'Fake b', runs: 'yes', effects: [create('x.copy')], notes: [], unknown: [] },
  ]);
  expect(outputs).toEqual({ a: { file: 'x' } });
});

test('a step with inputs that are only known later says which, and shows what it can', async () => {
  const a = fakeStep('a', { plan: async () => ({ effects: [], output: { known: 1 } }) });
  const input = { with: { one: '${{ steps.a.known }}', two: '${{ steps.a.later }}' } };
  const b = fakeStep('b', {
    plan: async () => {
      throw new Error('must not be asked');
    },
  });
  const c = fakeStep('c', { planPartly: async (_context, known) => ({ effects: [create(JSON.stringify(known))] }) });
  const { steps } = await preview([a, b, c], { b: input, c: input });
  expect(steps[1]).toMatchObject({ runs: 'yes', effects: [], unknown: ['two: known after a'] });
  expect(steps[2]).toMatchObject({ effects: [create('{"one":1}')], unknown: ['two: known after a'] });
});

test('says whether a step would run', async () => {
  const never = fakeStep('d', {
    plan: async () => {
      throw new Error('must not be asked');
    },
  });
  const { steps } = await preview([fakeStep('a'), fakeStep('b'), fakeStep('c'), never, fakeStep('e')], {
    b: { if: 'always()' },
    c: { if: 'failure()' },
    d: { if: 'never()' },
    e: { if: 'steps.later.thing' },
  });
  expect(steps.map(({ runs }) => runs)).toEqual(['yes', 'yes', 'maybe', 'no', 'maybe']);
}, 5000);

test('what a step finds wrong ends the preview, with its position', async () => {
  const b = fakeStep('b', {
    plan: async () => {
      throw new SendenseError('source.missing', 'no disk');
    },
  });
  await expect(preview([fakeStep('a'), b])).rejects.toMatchObject({ code: 'source.missing', position: { line: 2 } });
});
