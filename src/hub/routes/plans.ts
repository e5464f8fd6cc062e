import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../api/paging.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { HubOnePlan, HubPlans, HubSchedules } from '../../schemas/types.ts';
import { shared } from './list-answer.ts';
import { defineRoute } from './route.ts';

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
      const { entries, next } = call.parts.hub.pages.plans({ sees }, pageRequest(call.query, pages));
      return { version: 1, plans: [...entries], next_cursor: cursorOf(next) };
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
  handle: async (call) =>
    shared(call, 'showPlan', (sees): HubOnePlan => {
      const name = call.params['name'] ?? '';
      const plan = call.parts.hub.pages.plan(name);
      if (!plan || (sees && (plan.vm === null || !sees(plan.vm))))
        throw new SendenseError('plan.unknown', `no plan ${name} ran or is scheduled`);
      return { version: 1, plan };
    }),
});

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
      const page = call.parts.hub.pages.schedules({ sees }, pageRequest(call.query, pages));
      const { entries, next, duplicates } = page;
      return { version: 1, schedules: [...entries], duplicates, next_cursor: cursorOf(next) };
    }),
});
