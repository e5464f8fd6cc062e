import type { Call } from '../../api/route.ts';
import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../api/paging.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { bundledSchema } from '../../plan/bundled-schema.ts';
import type { HubOnePlan, HubPlan, HubPlans, HubPlanText, HubSchedules } from '../../schemas/types.ts';
import type { Sees } from '../pages/pages.ts';
import { seesOf, shared } from './list-answer.ts';
import { defineRoute, type HubParts } from './route.ts';

const pages: PageRules = { usual: 100, most: 200, place: ['text'] };

export const listPlans = defineRoute({
  id: 'listPlans',
  method: 'GET',
  path: '/api/v1/plans',
  tag: 'plans',
  right: 'look',
  vms: 'heeded',
  summary: 'Plans that ran or are scheduled, by name',
  query: pageQuery(pages),
  answers: { 200: { description: 'A page of them.', schema: 'hub/plans.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listPlans', (sees): HubPlans => {
      const page = pageRequest('plans', call.query, pages);
      const { entries, next } = call.parts.hub.pages.plans({ sees }, page);
      return { version: 1, plans: [...entries], next_cursor: cursorOf(next, page) };
    }),
});

export const showPlan = defineRoute({
  id: 'showPlan',
  method: 'GET',
  path: '/api/v1/plans/{name}',
  tag: 'plans',
  right: 'look',
  vms: 'heeded',
  summary: 'One plan: how it goes with it, and its schedule',
  params: { name: { description: 'Name of the plan.', logAs: 'plan' } },
  answers: { 200: { description: 'The plan.', schema: 'hub/one-plan.json' } },
  errors: ['plan.unknown'],
  quiet: true,
  handle: async (call) => shared(call, 'showPlan', (sees): HubOnePlan => ({ version: 1, plan: knownPlan(call, sees) })),
});

/** @throws SendenseError `plan.unknown`, also where the caller may not know of its VM */
function knownPlan({ parts, params }: Pick<Call<HubParts>, 'parts' | 'params'>, sees: Sees): HubPlan {
  const name = params['name'] ?? '';
  const plan = parts.hub.pages.plan(name);
  if (plan && (!sees || (plan.vm !== null && sees(plan.vm)))) return plan;
  throw new SendenseError('plan.unknown', `no plan ${name} ran or is scheduled`);
}

export const showPlanText = defineRoute({
  id: 'showPlanText',
  method: 'GET',
  path: '/api/v1/plans/{name}/text',
  tag: 'plans',
  right: 'look',
  vms: 'heeded',
  summary: 'The text of a plan, without secrets',
  description: 'With a schedule, the text that is in force. `GET /api/v1/plan-files/{file}` has the file as it is.',
  params: { name: { description: 'Name of the plan.', logAs: 'plan' } },
  answers: { 200: { description: 'The text.', schema: 'hub/plan-shown.json' } },
  errors: ['plan.unknown', 'file.unreadable'],
  quiet: true,
  async handle(call): Promise<HubPlanText> {
    const { hub } = call.parts;
    const plan = knownPlan(call, seesOf(call));
    const text = hub.pages.planText(plan);
    if (text === null)
      throw new SendenseError('file.unreadable', `${plan.file} cannot be shown as the text of ${plan.plan}`, {
        remedy:
          'The file is gone, is no YAML, holds another plan now, or others can write to it. Look at it on the hub.',
      });
    return { version: 1, plan: plan.plan, text, file: hub.planFiles.editable ? hub.planFiles.nameOf(plan.file) : null };
  },
});

export const planSchema = defineRoute({
  id: 'planSchema',
  method: 'GET',
  path: '/api/v1/plan-schema',
  tag: 'plans',
  right: 'look',
  vms: 'none',
  summary: 'The JSON schema of plans, complete in itself',
  description: 'As `sendense-run schema plan`.',
  answers: { 200: { description: 'JSON Schema 2020-12.', type: 'application/json' } },
  errors: [],
  quiet: true,
  handle: async () => (schemaText ??= JSON.stringify(bundledSchema('plan'))),
});

/** It is made of a hundred files, and stays the same. */
let schemaText: string | undefined;

export const listSchedules = defineRoute({
  id: 'listSchedules',
  method: 'GET',
  path: '/api/v1/schedules',
  tag: 'plans',
  right: 'look',
  vms: 'heeded',
  summary: 'Schedules of plans, by name',
  description: 'What `sendense-run schedule list --json` prints, page by page.',
  query: pageQuery(pages),
  answers: { 200: { description: 'A page of them.', schema: 'hub/schedules.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listSchedules', (sees): HubSchedules => {
      const asked = pageRequest('schedules', call.query, pages);
      const page = call.parts.hub.pages.schedules({ sees }, asked);
      const { entries, next, duplicates } = page;
      return { version: 1, schedules: [...entries], duplicates, next_cursor: cursorOf(next, asked) };
    }),
});
