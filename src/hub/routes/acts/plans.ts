import type { PlanTextRequest, RunStartRequest, ValidateOutput } from '../../../schemas/types.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { checkText } from '../plan-files/check-text.ts';
import { assertEditable } from '../plan-files/editable.ts';
import { defineRoute } from '../route.ts';
import { askerOf } from '../asker.ts';
import { judgedAs, assertMayRun } from './begin.ts';
import { startablePlan } from './startable-plan.ts';

/** As long as a plan may be, and what JSON adds to it. Bytes. */
const textBytes = 4 * 1024 * 1024;

export const validatePlan = defineRoute<PlanTextRequest>({
  id: 'validatePlan',
  method: 'POST',
  path: '/api/v1/plans/validate',
  tag: 'plans',
  summary: 'What is wrong with a plan, with line and column',
  description:
    'As `sendense-run validate - --as FILE`, with the settings of the hub. Nothing is kept. Whether others can read the files of secrets that the text names is told to callers with the right `plan` only.',
  right: 'look',
  changes: false,
  body: { schema: 'hub/plan-text.json', bytes: textBytes },
  answers: { 200: { description: 'What was found; also for a plan that is invalid.', schema: 'output/validate.json' } },
  errors: ['access.right', 'plan.file'],
  async handle({ parts, body, caller, signal }): Promise<ValidateOutput> {
    const { text, file } = body;
    const edits = caller.rights.has('plan');
    if (file !== undefined && !edits)
      throw new SendenseError('access.right', `${caller.name} has no right to plan, which naming a file takes`, {
        details: { right: 'plan', field: 'file' },
      });
    const as = file === undefined ? undefined : parts.hub.planFiles.pathOf(file);
    const found = await checkText(parts, { text, as }, askerOf({ caller, signal }));
    return edits ? found : { ...found, diagnostics: found.diagnostics.filter(({ rule }) => rule !== 'secret/exposed') };
  },
});

export const previewText = defineRoute<PlanTextRequest>({
  id: 'previewText',
  method: 'POST',
  path: '/api/v1/plans/preview',
  tag: 'plans',
  summary: 'What the text of a plan would do, step by step',
  description: 'As `sendense-run plan - --as FILE`. Nothing begins and nothing is written. Only with `hub: editPlans`.',
  right: 'plan',
  changes: false,
  body: { schema: 'hub/plan-text.json', bytes: textBytes },
  answers: { 200: { description: 'Its steps.', schema: 'output/plan.json' } },
  errors: ['plan.locked', 'plan.file', 'plan.invalid', 'usage'],
  patient: true,
  async handle({ parts, body, ...call }): Promise<object> {
    const { planFiles } = parts.hub;
    assertEditable(planFiles);
    const { text, file = 'stdin.yaml', mode } = body;
    const words = ['plan', ...(mode === undefined ? [] : ['--mode', mode]), '--as', planFiles.pathOf(file), '-'];
    return await parts.askCommand(words, askerOf(call), { input: text });
  },
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
    const { askCommand } = call.parts;
    const plan = await startablePlan(call.parts, call.params['name'] ?? '');
    assertMayRun(call, plan);
    const { mode } = call.body;
    const words = ['plan', ...(mode === undefined ? [] : ['--mode', mode]), '--', plan.file];
    return await askCommand(words, askerOf(call), { judged: judgedAs(plan) });
  },
});
