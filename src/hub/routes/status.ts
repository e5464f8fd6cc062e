import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../api/paging.ts';
import type { HubNotices, HubRepositories } from '../../schemas/types.ts';
import { shared } from './list-answer.ts';
import { defineRoute } from './route.ts';

export const showStatus = defineRoute({
  id: 'showStatus',
  method: 'GET',
  path: '/api/v1/status',
  tag: 'status',
  right: 'look',
  vms: 'heeded',
  summary: 'What is wrong now, what goes on, and how it goes with the plans',
  description:
    '`status` is what `sendense-run status --json` prints; `wrong` says in words what is wrong now, the worst first.',
  answers: { 200: { description: 'The status.', schema: 'hub/status.json' } },
  errors: [],
  quiet: true,
  handle: async (call) => shared(call, 'showStatus', (sees) => call.parts.hub.pages.status({ sees })),
});

export const listRepositories = defineRoute({
  id: 'listRepositories',
  method: 'GET',
  path: '/api/v1/repositories',
  tag: 'repositories',
  right: 'look',
  summary: 'Repositories, what they hold, and when they will be full',
  description:
    'What `sendense-run repo list --json` prints. Measuring looks at every file, so the hub does it every five minutes at most: `measured` says when.',
  answers: { 200: { description: 'The repositories.', schema: 'hub/repositories.json' } },
  errors: [],
  quiet: true,
  handle: async ({ parts, signal }): Promise<HubRepositories> => parts.hub.pages.repositories(signal),
});

const noticePages: PageRules = { usual: 100, most: 200, place: ['number'] };

export const listNotices = defineRoute({
  id: 'listNotices',
  method: 'GET',
  path: '/api/v1/notices',
  tag: 'notices',
  right: 'look',
  vms: 'heeded',
  summary: 'Notices and what became of them, newest first',
  query: {
    plan: { description: 'Only about this plan.' },
    vm: { description: 'Only about this VM.' },
    event: { description: 'Only these: success, failure, rpo, invalid-plan, …' },
    ...pageQuery(noticePages),
  },
  answers: { 200: { description: 'A page of them.', schema: 'hub/notices.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listNotices', (sees): HubNotices => {
      const { plan, vm, event } = call.query;
      const filter = { plan, vm, event, sees };
      const { entries, next } = call.parts.hub.pages.notices(filter, pageRequest(call.query, noticePages));
      return { version: 1, notices: [...entries], next_cursor: cursorOf(next) };
    }),
});
