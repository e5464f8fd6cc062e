import type { SchedulePauseRequest, SchedulesOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';

const plan = { plan: { description: 'Name of the plan.', logAs: 'plan' } } as const;

export const pauseSchedule = defineRoute<SchedulePauseRequest>({
  id: 'pauseSchedule',
  method: 'POST',
  path: '/api/v1/schedules/{plan}/pause',
  tag: 'plans',
  summary: 'Let a schedule rest',
  description: 'As `sendense-run schedule pause`. Again is fine. What it misses meanwhile is not caught up.',
  right: 'operate',
  params: plan,
  body: { schema: 'hub/schedule-pause.json', bytes: 4096 },
  answers: { 200: { description: 'The schedule.', schema: 'output/schedules.json' } },
  errors: ['schedule.unknown'],
  handle: async ({ parts, params, body }): Promise<SchedulesOutput> =>
    parts.hub.schedules.pause(params['plan'] ?? '', body.reason ?? null),
});

export const resumeSchedule = defineRoute({
  id: 'resumeSchedule',
  method: 'POST',
  path: '/api/v1/schedules/{plan}/resume',
  tag: 'plans',
  summary: 'Let a schedule go on',
  description: 'As `sendense-run schedule resume`.',
  right: 'operate',
  params: plan,
  answers: { 200: { description: 'The schedule.', schema: 'output/schedules.json' } },
  errors: ['schedule.unknown'],
  handle: async ({ parts, params }): Promise<SchedulesOutput> => parts.hub.schedules.resume(params['plan'] ?? ''),
});
