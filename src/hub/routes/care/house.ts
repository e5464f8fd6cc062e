import type { HubRecoverRequest, NotifyFlushOutput, RecoverOutput, UpkeepOutput } from '../../../schemas/types.ts';
import { lastingAsker } from '../asker.ts';
import { defineRoute } from '../route.ts';

const common = { method: 'POST', patient: true } as const;

export const recoverRuns = defineRoute<HubRecoverRequest>({
  ...common,
  id: 'recoverRuns',
  path: '/api/v1/recover',
  tag: 'runs',
  right: 'operate',
  summary: 'Clean up after runs that died',
  description: 'As `sendense-run recover`. Every run does so, too, before it begins. Again is fine.',
  body: { schema: 'hub/recover-start.json', bytes: 1024 },
  answers: { 200: { description: 'What was cleaned up, and what could not be.', schema: 'output/recover.json' } },
  errors: ['run.unknown', 'usage', 'run.crashed'],
  logOf: ({ ended }) => ({ ...(ended !== undefined && { run_id: ended }) }),
  async handle({ parts, body: { ended }, caller }): Promise<RecoverOutput> {
    const words = ['recover', ...(ended === undefined ? [] : [`--ended=${ended}`])];
    return (await parts.askCommand(words, lastingAsker({ caller }), { answersWith: [16] })) as RecoverOutput;
  },
});

export const keepHouse = defineRoute({
  ...common,
  id: 'keepHouse',
  path: '/api/v1/upkeep',
  tag: 'hub',
  right: 'operate',
  summary: 'Remove old rows and logs, and copy the state database to the repositories',
  description: 'As `sendense-run upkeep`. The hub does it by itself once a day.',
  answers: { 200: { description: 'What was done.', schema: 'output/upkeep.json' } },
  errors: ['run.crashed'],
  handle: async ({ parts, caller }): Promise<UpkeepOutput> =>
    (await parts.askCommand(['upkeep'], lastingAsker({ caller }), { answersWith: [3] })) as UpkeepOutput,
});

export const flushNotices = defineRoute({
  ...common,
  id: 'flushNotices',
  path: '/api/v1/notices/flush',
  tag: 'notices',
  right: 'administer',
  vms: 'none',
  summary: 'Send now what waits to be sent',
  description: 'As `sendense-run notify flush`.',
  answers: { 200: { description: 'What was sent, and what still waits.', schema: 'output/notify-flush.json' } },
  errors: ['run.crashed'],
  handle: async ({ parts, caller }): Promise<NotifyFlushOutput> =>
    (await parts.askCommand(['notify', 'flush'], lastingAsker({ caller }), { answersWith: [1] })) as NotifyFlushOutput,
});
