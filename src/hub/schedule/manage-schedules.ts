import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';
import type { NextSlotsOutput, RunFinishedEvent, SchedulesOutput, SlotsOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { listSlots } from '../../state/schedules/schedule-slots.ts';
import type { SlotState } from '../../state/schedules/slot-states.ts';
import {
  acceptPlan,
  findSchedule,
  pauseSchedule,
  resumeSchedule,
  scheduledText,
} from '../../state/schedules/schedules.ts';
import { backfillSlots, type BackfillRequest } from './backfill-slots.ts';
import { describeSchedules, nextOf, slotOutput } from './describe-schedules.ts';
import { stampOf } from './find-plan-files.ts';
import { readPlan } from './read-plan.ts';
import { runHere, type FoundSchedule, type RunHere, type RunWatch, type SlotRun } from './run-here.ts';
import { runDueSlots } from './run-due-slots.ts';

/** What can be asked and done about schedules, whether or not a daemon runs. A plan is named by its name or its file. */
export interface Schedules {
  list(): SchedulesOutput;
  next(count: number, plan?: string): Promise<NextSlotsOutput>;
  /** What became of slots, newest first. */
  history(filter: { plan?: string | undefined; limit: number; state?: SlotState | undefined }): SlotsOutput;
  pause(plan: string, reason: string | null): SchedulesOutput;
  resume(plan: string): SchedulesOutput;
  /** Runs a plan now, as its schedule would: with the text in force. */
  runNow(plan: string, watch: RunWatch): Promise<RunFinishedEvent>;
  /** What a timer of systemd does: runs what is due and not yet done by anybody. Undefined: nothing is. */
  runDue(plan: string, watch: RunWatch): Promise<RunFinishedEvent | undefined>;
  /** Runs the slot that a daemon claimed for this process. */
  runSlot(key: { plan: string; slot: number; runId: string }, watch: RunWatch): Promise<RunFinishedEvent>;
  /** Runs slots of the past that no run was for. */
  backfill(plan: string, request: BackfillRequest): Promise<SlotsOutput>;
  /** A plan's name and schedule, for whoever makes a timer of it. */
  find(plan: string): Promise<FoundSchedule>;
}

export interface ManageSchedulesOptions {
  readonly state: State;
  readonly loaded: LoadedSettings;
  run(request: SlotRun): Promise<RunFinishedEvent>;
}

export function manageSchedules({ state, loaded, run }: ManageSchedulesOptions): Schedules {
  const here: RunHere = { state, self: thisProcess(), limits: loaded.settings?.limits ?? {}, run };
  const host = hostname();

  const find = async (name: string): Promise<FoundSchedule> => {
    const record = findSchedule(state, name);
    const text = scheduledText(state, name);
    if (record?.facts && record.removed === null && text !== undefined)
      return { plan: name, file: record.file, text, facts: record.facts, since: record.since };
    if (existsSync(name)) return fromFile(resolve(name));
    throw new SendenseError('schedule.unknown', `there is no schedule ${name}`);
  };

  const fromFile = async (file: string): Promise<FoundSchedule> => {
    const read = readPlan(file, loaded);
    if (read.type === 'none') throw new SendenseError('schedule.unknown', `${file} has no schedule`);
    const before = read.name === null ? undefined : findSchedule(state, read.name);
    if (read.type === 'invalid') {
      // The last valid text stays in force here too.
      const text = read.name === null ? undefined : scheduledText(state, read.name);
      if (!before?.facts || before.file !== file || text === undefined) throw read.error;
      return { plan: before.plan, file, text, facts: before.facts, since: before.since };
    }
    const { name: plan, text, facts } = read;
    return { plan, file, text, facts, since: before?.file === file ? before.since : Date.now() };
  };

  /** A plan that no daemon has read yet is known from now on. */
  const register = async (name: string): Promise<FoundSchedule> => {
    const found = await find(name);
    const { plan, file, text, facts } = found;
    if (scheduledText(state, plan) === text && findSchedule(state, plan)?.removed === null) return found;
    acceptPlan(state, { plan, file, text, facts, stamp: stampOf(file) ?? '', now: Date.now() });
    return { ...found, since: findSchedule(state, plan)?.since ?? Date.now() };
  };

  const only = (plan: string): SchedulesOutput => describeSchedules(state, { host, plan, now: Date.now() });
  const known = (plan: string): void => {
    if (!findSchedule(state, plan)) throw new SendenseError('schedule.unknown', `there is no schedule ${plan}`);
  };

  return {
    find,
    list: () => describeSchedules(state, { host, now: Date.now() }),
    async next(count, name) {
      const plans = name === undefined ? undefined : [await find(name)];
      return { version: 1, slots: nextOf(state, { host, count, now: Date.now(), plans }) };
    },
    history({ plan, limit, state: only_ }) {
      if (plan !== undefined) known(plan);
      const slots = listSlots(state, {
        plan,
        limit,
        now: Date.now(),
        ...(only_ === undefined ? {} : { states: [only_] }),
      });
      return { version: 1, slots: slots.map(slotOutput) };
    },
    pause(plan, reason) {
      if (!pauseSchedule(state, plan, reason, Date.now())) known(plan);
      return only(plan);
    },
    resume(plan) {
      if (!resumeSchedule(state, plan, Date.now())) known(plan);
      return only(plan);
    },
    runNow: async (name, watch) => runHere(here, await register(name), { trigger: 'manual', slot: Date.now() }, watch),
    runDue: async (name, watch) => runDueSlots(here, await register(name), { host, ...watch }),
    async runSlot({ plan, slot, runId }, watch) {
      const record = findSchedule(state, plan);
      const text = scheduledText(state, plan);
      if (!record || text === undefined) throw new SendenseError('schedule.unknown', `there is no schedule ${plan}`);
      const [claimed] = listSlots(state, { plan, from: slot, to: slot });
      const origin = { trigger: claimed?.trigger ?? 'schedule', slot } as const;
      return run({ file: record.file, text, origin, slot: { plan, slot, runId }, ...watch });
    },
    backfill: async (name, request) => ({
      version: 1,
      slots: (await backfillSlots(here, await register(name), request)).map(slotOutput),
    }),
  };
}
