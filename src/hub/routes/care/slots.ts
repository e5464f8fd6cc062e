import { SendenseError } from '../../../errors/sendense-error.ts';
import type { HistoryOutput, NextSlotsOutput, SlotsOutput } from '../../../schemas/types.ts';
import { slotStates } from '../../../state/schedules/slot-states.ts';
import { limit, moment, numberOf } from '../../../api/numbers.ts';
import { word, wordOf } from '../../../api/words.ts';
import { defineRoute } from '../route.ts';

const most = 10_000;
const plan = { plan: { description: 'Only of this plan.', logAs: 'plan' } } as const;

export const nextSlots = defineRoute({
  id: 'nextSlots',
  method: 'GET',
  path: '/api/v1/slots/next',
  tag: 'plans',
  right: 'look',
  summary: 'When schedules begin next',
  description: 'As `sendense-run schedule next --json`.',
  query: { ...plan, limit: limit('Slots', 10, most) },
  answers: { 200: { description: 'The slots, in their order.', schema: 'output/next-slots.json' } },
  errors: ['schedule.unknown'],
  quiet: true,
  handle: async ({ parts, query }): Promise<NextSlotsOutput> => {
    const name = query['plan'];
    // A file of the hub, which the command takes too, is no name.
    if (name !== undefined && !parts.hub.schedules.list().schedules.some((one) => one.plan === name))
      throw new SendenseError('schedule.unknown', `there is no schedule ${name}`);
    return await parts.hub.schedules.next(numberOf(query, 'limit', 10), name);
  },
});

export const pastSlots = defineRoute({
  id: 'pastSlots',
  method: 'GET',
  path: '/api/v1/slots',
  tag: 'plans',
  right: 'look',
  summary: 'What became of the slots of schedules, newest first',
  description: 'As `sendense-run schedule history --json`.',
  query: { ...plan, state: word('Only in this state.', slotStates), limit: limit('Slots', 20, most) },
  answers: { 200: { description: 'The slots.', schema: 'output/slots.json' } },
  errors: ['schedule.unknown'],
  quiet: true,
  handle: async ({ parts, query }): Promise<SlotsOutput> =>
    parts.hub.schedules.history({
      plan: query['plan'],
      limit: numberOf(query, 'limit', 20),
      state: wordOf(query, 'state', slotStates),
    }),
});

export const dailyRuns = defineRoute({
  id: 'dailyRuns',
  method: 'GET',
  path: '/api/v1/days',
  tag: 'runs',
  right: 'look',
  summary: 'What the runs of each day add up to, newest first',
  description: 'As `sendense-run history --daily --json`. It goes back further than the list of runs.',
  query: {
    ...plan,
    since: moment('From that day on: a time'),
    limit: limit('Lines', 50, most),
  },
  answers: { 200: { description: 'Days.', schema: 'output/history.json' } },
  errors: [],
  quiet: true,
  async handle({ parts, query }): Promise<HistoryOutput> {
    const since = numberOf(query, 'since', undefined);
    return await parts.hub.history({ plan: query['plan'], since, limit: numberOf(query, 'limit', 50), daily: true });
  },
});
