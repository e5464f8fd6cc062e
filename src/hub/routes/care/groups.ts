import { cursorOf, pageOf, pageQuery, pageRequest, type PageRules } from '../../../api/paging.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { HubGroup, HubGroups } from '../../../schemas/types.ts';
import { assertMayRun, beginOnce, beginRun, repeatHeader, startErrors, runOf } from '../acts/begin.ts';
import { shared } from '../list-answer.ts';
import { defineRoute } from '../route.ts';

const pages: PageRules = { usual: 100, most: 200, place: ['text'] };
const params = { name: { description: 'Name of the plan.', logAs: 'plan' } } as const;

export const listGroups = defineRoute({
  id: 'listGroups',
  method: 'GET',
  path: '/api/v1/groups',
  tag: 'plans',
  right: 'look',
  summary: 'Groups: plans that back up many VMs, by name',
  query: pageQuery(pages),
  answers: { 200: { description: 'A page of them.', schema: 'hub/groups.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listGroups', (): HubGroups => {
      const page = pageRequest('groups', call.query, pages);
      const { limit, after } = page;
      const groups = call.parts.hub.pages.groups().filter(({ plan }) => plan.plan > String(after?.[0] ?? ''));
      const { entries, next } = pageOf(groups, limit, ({ plan }) => [plan.plan]);
      return { version: 1, groups: [...entries], next_cursor: cursorOf(next, page) };
    }),
});

export const showGroup = defineRoute({
  id: 'showGroup',
  method: 'GET',
  path: '/api/v1/groups/{name}',
  tag: 'plans',
  right: 'look',
  summary: 'A group, its VMs, and how the last run of each went',
  description: '`GET /api/v1/progress` says how far those are that run now, and how far the group is.',
  params,
  answers: { 200: { description: 'The group.', schema: 'hub/group.json' } },
  errors: ['plan.unknown'],
  quiet: true,
  handle: async (call) =>
    shared(call, 'showGroup', (): HubGroup => {
      const name = call.params['name'] ?? '';
      const group = call.parts.hub.pages.group(name);
      if (group) return { version: 1, ...group };
      throw noGroup(name);
    }),
});

export const runGroup = defineRoute({
  id: 'runGroup',
  method: 'POST',
  path: '/api/v1/groups/{name}/runs',
  tag: 'plans',
  right: 'operate',
  summary: 'Back up all VMs of a group now',
  description:
    'As `POST /api/v1/plans/{name}/runs` of that plan. The run of each VM has the run of the group as `parent_run`.',
  params,
  headers: repeatHeader,
  answers: { 202: { description: 'The run has begun.', schema: 'hub/run-started.json' } },
  errors: startErrors,
  patient: true,
  async handle(call) {
    const { name = '' } = call.params;
    return await beginOnce(call, `runGroup ${name}`, async () => {
      const plan = call.parts.hub.acts.plan(name);
      if (plan.kind !== 'group') throw noGroup(name);
      assertMayRun(call, plan);
      return await beginRun(call, runOf(plan));
    });
  },
});

const noGroup = (name: string): SendenseError =>
  new SendenseError('plan.unknown', `the hub knows no group ${name}`, { details: { field: 'name' } });
