import { SendenseError } from '../../../errors/sendense-error.ts';
import type { HistoryOutput, NextSlotsOutput, SlotsOutput } from '../../../schemas/types.ts';
import { slotStates, type SlotState } from '../../../state/schedules/slot-states.ts';
import { limitOf, numberOf } from '../../../api/numbers.ts';
import { defineRoute } from '../route.ts';

const most = 1000;
const plan = { plan: { description: 'Only of this plan.', logAs: 'plan' } } as const;
const limit = (what: string, usual: number) => ({
  limit: { description: `${what}; default ${usual}, at most ${most}.` },
});

export const nextSlots = defineRoute({
  id: 'nextSlots',
  method: 'GET',
  path: '/api/v1/slots/next',
  tag: 'plans',
  right: 'look',
  summary: 'When schedules begin next',
  description: 'As `sendense-run schedule next --json`.',
  query: { ...plan, ...limit('Slots', 10) },
  answers: { 200: { description: 'The slots, in their order.', schema: 'output/next-slots.json' } },
  errors: ['schedule.unknown'],
  quiet: true,
  handle: async ({ parts, query }): Promise<NextSlotsOutput> => {
    const name = query['plan'];
    // A file of the hub, which the command takes too, is no name.
    if (name !== undefined && !parts.hub.schedules.list().schedules.some((one) => one.plan === name))
      throw new SendenseError('schedule.unknown', `there is no schedule ${name}`);
    return await parts.hub.schedules.next(limitOf(query, 10, most), name);
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
  query: { ...plan, state: { description: `Only these: one of ${slotStates.join(', ')}.` }, ...limit('Slots', 20) },
  answers: { 200: { description: 'The slots.', schema: 'output/slots.json' } },
  errors: ['schedule.unknown'],
  quiet: true,
  handle: async ({ parts, query }): Promise<SlotsOutput> =>
    parts.hub.schedules.history({
      plan: query['plan'],
      limit: limitOf(query, 20, most),
      state: stateIn(query['state']),
    }),
});

function stateIn(text: string | undefined): SlotState | undefined {
  const known = slotStates.find((state) => state === text);
  if (text === undefined || known) return known;
  throw new SendenseError('request.invalid', `state ${text} is none of ${slotStates.join(', ')}`, {
    details: { field: 'state' },
  });
}

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
    since: { description: 'From that day on: a time, milliseconds since 1970.' },
    ...limit('Lines', 50),
  },
  answers: { 200: { description: 'Days.', schema: 'output/history.json' } },
  errors: [],
  quiet: true,
  async handle({ parts, query }): Promise<HistoryOutput> {
    const since = query['since'] === undefined ? undefined : numberOf(query, 'since', 0, Number.MAX_SAFE_INTEGER);
    return await parts.hub.history({ plan: query['plan'], since, limit: limitOf(query, 50, most), daily: true });
  },
});
