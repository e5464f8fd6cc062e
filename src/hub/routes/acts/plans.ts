import { validateOutput } from '../../../plan/diagnostics/format-diagnostics.ts';
import { validateFiles } from '../../../plan/validate-files.ts';
import type { PlanTextRequest, RunStartRequest, ValidateOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';
import { assertMayRun } from './begin.ts';

/** As long as a plan may be, and what JSON adds to it. Bytes. */
const textBytes = 4 * 1024 * 1024;

export const validatePlan = defineRoute<PlanTextRequest>({
  id: 'validatePlan',
  method: 'POST',
  path: '/api/v1/plans/validate',
  tag: 'plans',
  summary: 'What is wrong with a plan, with line and column',
  description: 'As `sendense-run validate -`, with the settings of the hub. Nothing is kept.',
  right: 'look',
  changes: false,
  body: { schema: 'hub/plan-text.json', bytes: textBytes },
  answers: { 200: { description: 'What was found; also for a plan that is invalid.', schema: 'output/validate.json' } },
  errors: [],
  handle: async ({ parts, body }): Promise<ValidateOutput> =>
    validateOutput(validateFiles(['-'], { config: parts.hub.settingsFile, stdin: body.text })),
});

export const previewPlan = defineRoute<RunStartRequest>({
  id: 'previewPlan',
  method: 'POST',
  path: '/api/v1/plans/{name}/preview',
  tag: 'plans',
  summary: 'What a plan would do, step by step',
  description: 'As `sendense-run plan FILE`. Nothing is written. It takes the right that running the plan takes.',
  right: 'look',
  vms: 'heeded',
  params: { name: { description: 'Name of the plan.', logAs: 'plan' } },
  changes: false,
  body: { schema: 'hub/run-start.json', bytes: 4096 },
  answers: { 200: { description: 'Its steps.', schema: 'output/plan.json' } },
  errors: ['plan.unknown', 'plan.invalid', 'access.right'],
  patient: true,
  async handle(call): Promise<object> {
    const { hub, askCommand } = call.parts;
    const plan = hub.acts.plan(call.params['name'] ?? '');
    assertMayRun(call, plan);
    const { mode } = call.body;
    return await askCommand(['plan', ...(mode === undefined ? [] : ['--mode', mode]), '--', plan.file], call.signal);
  },
});
