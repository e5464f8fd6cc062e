import type { HubNoticeTest } from '../../../schemas/types.ts';
import { askerOf } from '../asker.ts';
import { defineRoute } from '../route.ts';

export const testNotices = defineRoute<HubNoticeTest>({
  id: 'testNotices',
  method: 'POST',
  path: '/api/v1/notices/test',
  tag: 'notices',
  summary: 'Send a message that says that it is a test',
  description: 'As `sendense-run notify test`: to one channel, or to all.',
  right: 'administer',
  vms: 'none',
  body: { schema: 'hub/notice-test.json', bytes: 1024 },
  answers: { 200: { description: 'What became of it, channel by channel.', schema: 'output/notify-test.json' } },
  errors: ['notify.unknown', 'run.crashed'],
  logOf: ({ channel = 'all' }) => ({ channel }),
  patient: true,
  async handle({ parts, body, ...call }): Promise<object> {
    const words = ['notify', 'test', ...(body.channel === undefined ? [] : ['--', body.channel])];
    return await parts.askCommand(words, askerOf(call), { answersWith: [1] });
  },
});
