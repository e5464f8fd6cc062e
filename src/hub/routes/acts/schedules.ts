import type { HubBackfill, SchedulePauseRequest, SchedulesOutput, SlotsOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';
import { answerBegun, assertMayRun, repeatHeader } from './begin.ts';

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

/** As the command line takes it. */
const time = (at: number): string => new Date(Math.floor(at / 1000) * 1000).toISOString().replace('.000Z', 'Z');

export const backfillSchedule = defineRoute<HubBackfill>({
  id: 'backfillSchedule',
  method: 'POST',
  path: '/api/v1/schedules/{plan}/backfill',
  tag: 'plans',
  summary: 'Run slots of the past that no run was for',
  description:
    'As `sendense-run schedule backfill`: one after another, in a process of its own. The answer says which; `GET /api/v1/runs` shows their runs.',
  right: 'look',
  vms: 'heeded',
  params: plan,
  headers: repeatHeader,
  body: { schema: 'hub/backfill.json', bytes: 1024 },
  answers: {
    202: { description: 'The slots that are run.', schema: 'output/slots.json' },
    200: { description: 'With `dry_run`: those that would be.', schema: 'output/slots.json' },
  },
  errors: ['plan.unknown', 'schedule.unknown', 'access.right', 'usage', 'run.crashed'],
  patient: true,
  async handle(call) {
    const { parts, body, caller, header } = call;
    const { from, to = Date.now(), latest = false, dry_run: dryRun = false } = body;
    const found = parts.hub.acts.plan(call.params['plan'] ?? '');
    assertMayRun(call, found);
    const span = [`--from=${time(from)}`, `--to=${time(to)}`, ...(latest ? ['--latest'] : [])];
    const words = (...more: readonly string[]): string[] => [
      'schedule',
      'backfill',
      ...span,
      ...more,
      '--',
      found.plan,
    ];
    const slots = async (): Promise<SlotsOutput> =>
      (await parts.askCommand(words('--dry-run'), call.signal)) as SlotsOutput;
    if (dryRun) {
      call.answer.status(200);
      return await slots();
    }
    const key = header('idempotency-key');
    const asked = { caller: caller.name, route: `backfillSchedule ${found.plan}`, key, body };
    const begun = await parts.repeats.once(asked, async () => {
      const wanted = await slots();
      if (wanted.slots.length > 0) parts.startRun(words());
      return { status: 202, location: null, body: wanted };
    });
    return answerBegun(call, begun);
  },
});
