import type { Call } from '../../../api/route.ts';
import type { HubBackfill, SchedulePauseRequest, SchedulesOutput, SlotsOutput } from '../../../schemas/types.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { askerOf } from '../asker.ts';
import { assertFreshFor, assertMayRun, beginOnce, repeatHeader } from './begin.ts';

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
    'As `sendense-run schedule backfill`: one after another, in a process of its own. The answer says which; `GET /api/v1/runs` shows their runs. What prunes, restores or boots takes a fresh password, except with `dry_run`.',
  right: 'look',
  vms: 'heeded',
  params: plan,
  headers: repeatHeader,
  body: { schema: 'hub/backfill.json', bytes: 1024 },
  answers: {
    202: { description: 'The slots that are run.', schema: 'output/slots.json' },
    200: { description: 'With `dry_run`: those that would be.', schema: 'output/slots.json' },
  },
  errors: ['plan.unknown', 'schedule.unknown', 'access.right', 'access.stale', 'usage', 'run.crashed'],
  patient: true,
  async handle(call) {
    const { plan: name = '' } = call.params;
    if (call.body.dry_run === true) {
      call.answer.status(200);
      return await slotsOf(call, backfillWords(call, name));
    }
    return await beginOnce(call, `backfillSchedule ${name}`, async () => {
      const words = backfillWords(call, name);
      const wanted = await slotsOf(call, words);
      if (wanted.slots.length > 0) call.parts.startRun(['schedule', 'backfill', ...words]);
      return { status: 202, location: `/api/v1/slots?plan=${encodeURIComponent(name)}`, body: wanted };
    });
  },
});

type BackfillCall = Call<HubParts, HubBackfill>;

/** @throws SendenseError `plan.unknown`, `access.right`, `access.stale` */
function backfillWords(call: BackfillCall, name: string): string[] {
  const { from, to = Date.now(), latest = false, dry_run: dryRun = false } = call.body;
  const found = call.parts.hub.acts.plan(name);
  assertMayRun(call, found);
  if (!dryRun) assertFreshFor(call, found);
  return [`--from=${time(from)}`, `--to=${time(to)}`, ...(latest ? ['--latest'] : []), '--', name];
}

const slotsOf = async (call: BackfillCall, words: readonly string[]): Promise<SlotsOutput> =>
  (await call.parts.askCommand(['schedule', 'backfill', '--dry-run', ...words], askerOf(call))) as SlotsOutput;
