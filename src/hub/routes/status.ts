import { word, wordOf } from '../../api/words.ts';
import { noticeEvents } from '../notify/message.ts';
import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../api/paging.ts';
import type { HubNotices, NotifyListOutput } from '../../schemas/types.ts';
import { shared } from './list-answer.ts';
import { failedChecks } from './repositories/check.ts';
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
  query: { vm: { description: '`status` has plans and runs of this VM only.', logAs: 'vm' } },
  answers: { 200: { description: 'The status.', schema: 'hub/status.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'showStatus', (sees) =>
      call.parts.hub.pages.status({ sees, vm: call.query['vm'], checks: failedChecks(call.parts.inquiries) }),
    ),
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
    event: word('Only of this kind.', noticeEvents),
    outcome: word('Only what a channel did not get, or not yet because an attempt failed.', ['failed']),
    ...pageQuery(noticePages),
  },
  answers: { 200: { description: 'A page of them.', schema: 'hub/notices.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listNotices', (sees): HubNotices => {
      const { plan, vm, outcome } = call.query;
      const event = wordOf(call.query, 'event', noticeEvents);
      const filter = { plan, vm, event, failed: outcome === 'failed', sees };
      const page = pageRequest('notices', call.query, noticePages);
      const { entries, next } = call.parts.hub.pages.notices(filter, page);
      return { version: 1, notices: [...entries], next_cursor: cursorOf(next, page) };
    }),
});

export const listChannels = defineRoute({
  id: 'listChannels',
  method: 'GET',
  path: '/api/v1/channels',
  tag: 'notices',
  right: 'look',
  summary: 'Channels of notices, and how it goes with them',
  description: 'What `sendense-run notify list --json` prints: no secrets.',
  answers: { 200: { description: 'The channels.', schema: 'output/notify-list.json' } },
  errors: [],
  quiet: true,
  handle: async ({ parts }): Promise<NotifyListOutput> => parts.hub.notices.list(),
});
