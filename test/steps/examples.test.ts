import { globSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { previewPipeline } from '../../src/engine/preview-pipeline.ts';
import type { Pipeline } from '../../src/engine/pipeline.ts';
import { catalogue } from '../../src/errors/catalogue.ts';
import { createEvaluator } from '../../src/plan/expressions/create-evaluator.ts';
import { loadPlanText } from '../../src/plan/load-plan.ts';
import { loadSettings } from '../../src/plan/load-settings.ts';
import { completePlan } from '../../src/plan/expand/prepare-plan.ts';
import { thisPlace } from '../../src/host/programs/process-identity.ts';
import { addBoot, type BootRow } from '../../src/state/boots/boots.ts';
import { points } from '../../src/state/points/restore-points.ts';
import type { Settings } from '../../src/schemas/types.ts';
import { packageRoot } from '../../src/schemas/validator.ts';
import { builtInSteps, stepRegistry } from '../../src/steps/index.ts';
import { makeRaw, MiB, writeInto } from '../host/disk-images.ts';
import { generateStepDocs } from '../tools/generate-step-docs.ts';
import { runnerSteps, stepNotes, type StepExample } from '../tools/step-examples.ts';
import { backup } from './backup-run.ts';
import { stepBench, type StepBench } from './step-bench.ts';

const notes = stepNotes();
const runners = runnerSteps();
const names = builtInSteps.map(({ uses }) => uses).toSorted();

describe('the list of steps', () => {
  test('is that of schemas/steps/', () => {
    const schemas = globSync('*.json', { cwd: join(packageRoot, 'schemas/steps') }).map((file) =>
      basename(file, '.json'),
    );
    expect(schemas.toSorted()).toEqual(names);
    expect([...stepRegistry.keys()].toSorted()).toEqual(names);
  });

  test('is that of the files in src/steps/', () => {
    const files = globSync('**/*.ts', { cwd: join(packageRoot, 'src/steps') }).filter((file) =>
      readFileSync(join(packageRoot, 'src/steps', file), 'utf8').includes('= defineStep<'),
    );
    expect(files.map((file) => basename(file, '.ts').replace('-', '.')).toSorted()).toEqual(names);
  });

  test.each([...runners].flatMap(([kind, steps]) => steps.map(({ id, uses }) => [kind, id, uses])))(
    'runner %s, step %s: %s exists',
    (_kind, _id, uses) => {
      expect(names).toContain(uses);
    },
  );

  test('has notes and an example for each, and none for others', () => {
    expect([...notes.keys()].toSorted()).toEqual(names);
    for (const { examples, does } of notes.values()) {
      expect(examples.length).toBeGreaterThan(0);
      expect(does).toMatch(/\.$/);
    }
  });

  test('every step but the commands of a plan is used by a runner', () => {
    const used = new Set([...runners.values()].flat().map(({ uses }) => uses));
    expect(names.filter((name) => !used.has(name))).toEqual(['command.run']);
  });
});

describe('the notes of a step', () => {
  test.each(builtInSteps.map((step) => [step.uses, step] as const))('%s: agree with its code', (uses, step) => {
    const own = notes.get(uses);
    for (const code of own?.errors ?? []) expect(Object.keys(catalogue)).toContain(code);
    expect(own?.undo === undefined).toBe(step.undo === undefined);
    expect(own?.claim === undefined).toBe(step.claim.toString().replaceAll(/\s/g, '') === '()=>null');
  });
});

test('docs/steps.md is current (npm run docs)', async () => {
  expect(await readFile(join(packageRoot, 'docs/steps.md'), 'utf8')).toBe(generateStepDocs());
});

/** A VM that runs from the restore point. */
const booted: BootRow = {
  id: 'boot-0b1b3831',
  repository: 'primary',
  context: 'pgtest1',
  backup_id: '',
  state: 'up',
  folder: '/nowhere',
  place: thisPlace(),
  owner: null,
  machine: '{}',
  move: null,
  wanted: 'off',
  paused: null,
  started: 1,
  started_by: 'root',
};

const lab = { lab: { type: 'image', vms: { pgtest1: { disks: [{ path: './disk0.raw' }] } } } };

describe('every example', () => {
  let bench: StepBench;

  beforeAll(async () => {
    bench = await stepBench({ sources: lab } as unknown as Partial<Settings>);
    await makeRaw(bench.folder.file('plans', 'disk0.raw'), MiB, [0, 4096]);
    await backup(bench, { run: 'run-000001', disks: ['plans/disk0.raw'] });
    const [point] = points(bench.state);
    addBoot(bench.state, { ...booted, backup_id: point?.backup_id ?? '' });
    await writeInto(bench.folder.file('plans', 'disk0.raw'), [0, 1]);
    await writeFile(
      bench.folder.file('plans', 'sendense.yaml'),
      'version: 1\nstate: ../state/sendense.db\nrepositories: { primary: { path: ../repository } }\n' +
        stringify({ sources: lab }),
    );
  }, 300_000);

  afterAll(() => bench[Symbol.asyncDispose]());

  const all = [...notes].flatMap(([uses, { examples }]) =>
    examples.map((example) => [uses, example.title, example] as const),
  );

  test.each(all)(
    '%s, "%s": stands in a valid plan, and can be previewed without effect',
    async (uses, _title, example) => {
      const { pipeline, diagnostics } = expanded(bench, uses, example);
      expect(diagnostics).toEqual([]);
      if (!pipeline) throw new Error('no pipeline');
      expect(pipeline.steps.find(({ id }) => id === example.step.id)?.uses).toBe(uses);
      const before = await bench.snapshot();
      const { steps } = await previewPipeline({
        pipeline,
        registry: stepRegistry,
        services: bench.services,
        evaluator: createEvaluator(),
      });
      expect(await bench.snapshot()).toEqual(before);
      const shown = steps.find(({ id }) => id === example.step.id);
      expect(shown).toMatchObject({ uses, runs: expect.stringMatching(/yes|maybe/) as string });
    },
  );
});

/** The example in the place of the runner's step, or as a command before or after; in a plan like those that ship. */
function expanded(
  bench: StepBench,
  uses: string,
  { step, kind, place }: StepExample,
): { pipeline: Pipeline | undefined; diagnostics: readonly unknown[] } {
  const its = kind ?? [...runners].find(([, steps]) => steps.some((entry) => entry.uses === uses))?.[0] ?? 'backup';
  const plan = {
    version: 1,
    kind: its,
    name: 'example',
    ...(['restore', 'keep'].includes(its) ? { vm: { name: 'pgtest1' } } : {}),
    ...(its === 'boot' ? { vms: [{ vm: 'pgtest1' }] } : {}),
    ...(its === 'keep' ? { boot: booted.id } : {}),
    ...(['backup', 'incremental'].includes(its)
      ? { vm: { name: 'pgtest1', source: { type: 'image', disks: [{ path: 'disk0.raw' }] } } }
      : {}),
    ...(['backup', 'incremental', 'prune'].includes(its) ? { retention: { daily: 7 } } : {}),
    ...(its === 'group' ? { members: [{ name: '*' }] } : {}),
    repository: 'primary',
    ...(its === 'restore'
      ? { to: { directory: './restored' }, files: ['/etc'], expect: [{ file: '/etc/hostname' }] }
      : {}),
    ...(place === undefined
      ? { steps: (runners.get(its) ?? []).map((entry) => (entry.uses === uses ? step : entry)) }
      : { [place]: [step] }),
  };
  const folder = bench.folder.file('plans');
  const loaded = loadPlanText({ file: join(folder, 'example.yaml'), folder, text: stringify(plan) });
  const { pipeline, diagnostics } = completePlan(loaded, loadSettings(undefined, folder));
  return { pipeline, diagnostics };
}
