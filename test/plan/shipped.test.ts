import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { loadPlanText } from '../../src/plan/load-plan.ts';
import { loadRunner } from '../../src/plan/expand/load-runner.ts';
import { preparePlan } from '../../src/plan/expand/prepare-plan.ts';
import { planKinds } from '../../src/plan/diagnostics/schema-node.ts';
import { validateFiles } from '../../src/plan/validate-files.ts';
import { packageRoot } from '../../src/schemas/validator.ts';
import { brief, expand } from './support.ts';

test('every plan in plans/ is valid against the settings there', () => {
  const result = validateFiles([join(packageRoot, 'plans')]);
  expect(brief(result.diagnostics)).toEqual([]);
  expect(result.files.map((file) => file.kind)).toContain('settings');
});

test('every plan in plans/ becomes a pipeline', () => {
  for (const file of readdirSync(join(packageRoot, 'plans')).filter((name) => name.startsWith('pgtest1'))) {
    expect(preparePlan(join(packageRoot, 'plans', file)).pipeline?.steps.length, file).toBeGreaterThan(3);
  }
});

test('every kind has a runner and every runner a kind', () => {
  expect(readdirSync(join(packageRoot, 'runners')).sort()).toEqual(planKinds().map((kind) => `${kind}.yaml`));
});

describe.each(planKinds())('the runner of %s', (kind) => {
  test('is sound: as a plan of its own it has no diagnostic', () => {
    const runner = loadRunner(kind);
    const plan = {
      kind,
      name: 'x',
      repository: 'primary',
      ...(['backup', 'incremental', 'restore', 'keep'].includes(kind) ? { vm: { name: 'y' } } : {}),
      ...(kind === 'restore'
        ? { to: { directory: './there' }, files: ['/etc'], expect: [{ file: '/etc/hostname' }] }
        : {}),
      ...(kind === 'boot' ? { vms: [{ vm: 'y' }] } : {}),
      ...(kind === 'keep' ? { boot: 'boot-0b1b3831' } : {}),
      ...(kind === 'group' ? { members: [{ name: '*' }] } : {}),
      ...(['backup', 'incremental', 'prune'].includes(kind) ? { retention: { daily: 7 } } : {}),
      steps: runner.steps,
      result: runner.result,
    };
    const expanded = expand(stringify(plan, { aliasDuplicateObjects: false }));
    expect(brief(expanded.diagnostics)).toEqual([]);
  });

  test('says which kind it is for', () => {
    expect(loadRunner(kind).kind).toBe(kind);
  });
});

/** The YAML blocks of a page that begin with a comment naming a file. */
const blocks = (page: string): string[] =>
  [...readFileSync(join(packageRoot, page), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)]
    .map((match) => match[1] ?? '')
    .filter((text) => /^kind: /m.test(text));

test('every whole plan in docs/expressions.md is valid', () => {
  for (const text of blocks('docs/expressions.md')) {
    const { plan, diagnostics } = loadPlanText({ file: 'plan.yaml', text });
    expect(brief(diagnostics), text).toEqual([]);
    if (plan) expect(brief(expand(text).diagnostics), text).toEqual([]);
  }
});
