import { SendenseError } from '../../errors/sendense-error.ts';
import type { HubTimetable } from '../../schemas/types.ts';
import { moment, numberOf } from '../../api/numbers.ts';
import { shared } from './list-answer.ts';
import { defineRoute } from './route.ts';

const day = 86_400_000;
const mostDays = 35;

export const showTimetable = defineRoute({
  id: 'showTimetable',
  method: 'GET',
  path: '/api/v1/timetable',
  tag: 'plans',
  right: 'look',
  vms: 'heeded',
  summary: 'What schedules began and will begin, when they may not, and where they get in each other’s way',
  description: `A span of ${mostDays} days at most. Of a plan with very many slots, the first hundred that come and the last hundred that were decided are told.`,
  query: {
    from: moment('Begin of the span; default: now'),
    to: moment('End of the span, not in it; default: seven days after `from`'),
  },
  answers: { 200: { description: 'The timetable.', schema: 'hub/timetable.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'showTimetable', (sees): HubTimetable => {
      const from = numberOf(call.query, 'from', Date.now());
      const to = numberOf(call.query, 'to', from + 7 * day);
      if (to <= from || to - from > mostDays * day || to > latest)
        throw new SendenseError('request.invalid', `to is not after from, or more than ${mostDays} days after it`, {
          details: { field: 'to' },
        });
      return { version: 1, ...call.parts.hub.pages.timetable({ from, to, sees }) };
    }),
});

/** Calendars end there: 9999-12-31. */
const latest = 253_402_300_799_000;
