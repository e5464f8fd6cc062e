import type { ErrorOutput, ProcessIdentity } from '../../schemas/types.ts';
import type { AdmissionLimits } from '../../state/schedules/admission.ts';
import type { IsRunning } from '../../state/runs/locks.ts';
import type { State } from '../../state/database/open-state.ts';
import { changeSlot, decideSlot, listSlots, type SlotRecord } from '../../state/schedules/schedule-slots.ts';
import type { ScheduledPlan } from '../../state/schedules/schedules.ts';
import { decidedUntil, rewindProgress } from '../../state/schedules/slot-progress.ts';
import type { HubLog } from '../hub-log.ts';
import { claimWaiting, type ClaimedSlot, type WaitingSlot } from './claim-waiting.ts';
import { createDueQueue } from './due-queue.ts';
import { decideMissed, graceMs, mostMissed } from './missed-slots.ts';
import { busyPlans, pausedPlans, type BusyPlan } from './plan-conditions.ts';
import { blackoutAt, jitterOf, rulesOf, type ScheduleRules } from './schedule-rules.ts';
import { endUnbegun, settleSlots } from './settle-slots.ts';
import { newestSlots, nextSlot } from './slots.ts';

/** What a slot's run is begun with. */
export interface RunOrder {
  readonly plan: string;
  readonly slot: number;
  readonly runId: string;
}

/** A run that the daemon began, in a process of its own. */
export interface RunningSlot {
  /** Never rejects. The error is why the run could not begin or how it failed. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly error: ErrorOutput | null }>;
  /** Asks it to stop and clean up; a second time, to return at once. */
  cancel(): void;
}

export interface SchedulerOptions {
  readonly state: State;
  /** The daemon's process. */
  readonly self: ProcessIdentity;
  readonly isRunning: IsRunning;
  /** Decides about jitter, with the plan's name. */
  readonly host: string;
  limits(): AdmissionLimits;
  now(): number;
  launch(order: RunOrder): RunningSlot;
  /** Asks a run of another process to stop and clean up. */
  cancelRun(run: BusyPlan): void;
  /** Cleans up after runs whose process died. */
  recover(): void;
  /** Something ended: `wake` may find more to do. */
  onChange(): void;
  readonly log: Pick<HubLog, 'debug' | 'info' | 'warn' | 'error'>;
}

export interface Scheduler {
  /** Puts a plan on the schedule, or its new text. Slots after `since` that nobody has decided count as missed. */
  put(plan: string, facts: ScheduledPlan, since: number): void;
  /** Takes it off; its runs go on. */
  drop(plan: string): void;
  /** Does what is due now, begins what may begin, and answers when it wants to be called again, ms since the epoch. */
  wake(): number;
  /** Brings slots up to what became of their runs, also those of other processes. */
  settle(): void;
  /** From now on nothing begins. What waits is for the next daemon. */
  drain(): void;
  /** Asks every run to stop and clean up; a second time, to return at once. */
  cancel(): void;
  /** Resolves when no run of this daemon goes on. */
  idle(): Promise<void>;
  counts(): SchedulerCounts;
}

export interface SchedulerCounts {
  readonly plans: number;
  readonly waiting: number;
  readonly running: number;
}

/** It looks at the clock at least so often, ms, because clocks are set and machines sleep. */
export const longestSleep = 30_000;
/** The clock goes back by less, ms, where it is only kept right: what is due then was decided a moment ago. */
const keptRightMs = 60_000;
/** Plans that one transaction decides about: other processes come to write in between. */
const batch = 500;

interface Planned {
  readonly facts: ScheduledPlan;
  readonly rules: ScheduleRules;
  readonly offset: number;
  since: number;
  /** Null: none ever comes. */
  next: number | null;
}

/** The heart of the daemon: decides what becomes of each slot. Knows no files and no clock but `now`. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { state, self, isRunning, host, now, log } = options;
  const plans = new Map<string, Planned>();
  const due = createDueQueue();
  /** Plans whose past has to be looked at. */
  const fresh = new Set<string>();
  /** Slots that a daemon left behind, by plan. */
  const left = new Map<string, number[]>();
  let waiting: WaitingSlot[] = [];
  const running = new Map<string, RunningSlot>();
  const cancelled = new Set<string>();
  let draining = false;
  /** The latest that the clock has shown. */
  let latest = now();
  let idle = Promise.withResolvers<void>();
  idle.resolve();

  type What = Pick<SlotRecord, 'state' | 'reason' | 'trigger'>;
  const recordOf = (plan: string, { facts }: Planned, slot: number, what: What): SlotRecord => {
    const { kind, node, repository } = facts;
    const owner = what.state === 'waiting' ? self : null;
    return { plan, slot, kind, node, repository, runId: null, owner, decided: now(), ...what };
  };

  const slotAfter = ({ rules }: Planned, after: number): number | null =>
    rules.enabled ? nextSlot(rules, after) : null;

  const plan = (name: string, planned: Planned, next: number | null): void => {
    planned.next = next;
    if (next !== null) due.push({ at: next + planned.offset, plan: name, slot: next });
  };

  const hold = (record: SlotRecord, { facts, rules }: Planned): void =>
    void waiting.push({ ...record, lock: facts.lock, rules });

  /** What is in the way of several plans, read once. */
  const conditions = () => ({ paused: pausedPlans(state), busy: busyPlans(state, isRunning) });

  /** A slot that has just become due. */
  const decide = (
    name: string,
    planned: Planned,
    slot: number,
    { paused, busy }: ReturnType<typeof conditions>,
  ): void => {
    const { rules } = planned;
    const put = (what: 'paused' | 'blackout' | 'skipped', reason: string | null): void => {
      const record = recordOf(name, planned, slot, { state: what, reason, trigger: 'schedule' });
      if (decideSlot(state, record, { onTime: true }))
        log.info({ plan: name, slot: time(slot), reason }, `slot ${what}`);
    };
    if (paused.has(name)) return put('paused', paused.get(name) ?? null);
    const blackout = blackoutAt(rules, now());
    if (blackout !== null) return put('blackout', blackout);
    const before = busy.get(name);
    if (before && rules.overlap === 'skip') return put('skipped', `run ${before.runId} still goes on`);
    const [waits] = listSlots(state, { plan: name, states: ['waiting'], limit: 1 });
    if (waits && !(rules.catchUp === 'all' && waits.trigger === 'catch-up'))
      return put('skipped', `the slot of ${time(waits.slot)} still waits`);
    const record = recordOf(name, planned, slot, { state: 'waiting', reason: null, trigger: 'schedule' });
    if (decideSlot(state, record, { onTime: true })) hold(record, planned);
  };

  /** Slots for which nobody was there, and then the next one. */
  const lookBack = (names: readonly string[]): void => {
    const paused = pausedPlans(state);
    rewindProgress(state, now());
    const newest = decidedUntil(state, names, now());
    for (const name of names) {
      const planned = plans.get(name);
      if (!planned) continue;
      const { rules, offset } = planned;
      const until = now() - offset;
      // A plan that was put on the schedule by a clock that was ahead counts from now on.
      planned.since = Math.min(planned.since, now());
      const since = Math.max(planned.since, newest.get(name) ?? -Infinity);
      const first = slotAfter(planned, since);
      const unseen = first !== null && first <= until ? newestSlots(rules, since, until, mostMissed) : [];
      const slots = [...(left.get(name) ?? []), ...unseen].sort((a, b) => a - b);
      if (slots.length > 0) {
        const record = (slot: number, what: What): SlotRecord => recordOf(name, planned, slot, what);
        const base = { plan: name, rules, offset, slots, now: now(), paused: paused.get(name), record };
        const answer = decideMissed(state, base);
        for (const entry of answer.waiting) hold(entry, planned);
        if (answer.missed > 0) log.warn({ plan: name, missed: answer.missed }, 'slots were missed');
      }
      const after = Math.max(until, planned.since);
      plan(name, planned, first === null || (since <= after && after < first) ? first : slotAfter(planned, after));
    }
  };

  const welcome = (): void => {
    // Those of one expression after each other: croner reads it once.
    const cronOf = (name: string): string => plans.get(name)?.rules.cron ?? '';
    const names = [...fresh].sort((a, b) => (cronOf(a) < cronOf(b) ? -1 : 1));
    for (let at = 0; at < names.length; at += batch) {
      const part = names.slice(at, at + batch);
      inTransaction(part, () => {
        lookBack(part);
        return part;
      });
    }
  };

  /**
   * What was taken out of memory for a transaction that failed is looked for in the past. Memory forgets what was looked back
   * at, as `work` answers, once that is on the disk.
   */
  const inTransaction = (names: readonly string[], work: () => readonly string[]): void => {
    const before = waiting.length;
    try {
      for (const name of state.transaction(work)) {
        left.delete(name);
        fresh.delete(name);
      }
    } catch (error) {
      waiting.length = before;
      for (const name of names) fresh.add(name);
      throw error;
    }
  };

  const decideDue = (): void => {
    while ((due.first()?.at ?? Infinity) <= now()) {
      const late: string[] = [];
      const taken: string[] = [];
      inTransaction(taken, () => {
        const now_ = conditions();
        for (let done = 0; done < batch && (due.first()?.at ?? Infinity) <= now(); done++) {
          const next = due.pop();
          const planned = next && plans.get(next.plan);
          // Otherwise the plan was changed or taken off meanwhile.
          if (!next || !planned || planned.next !== next.slot) continue;
          taken.push(next.plan);
          if (now() - next.at > graceMs) {
            late.push(next.plan);
            continue;
          }
          decide(next.plan, planned, next.slot, now_);
          plan(next.plan, planned, slotAfter(planned, next.slot));
        }
        // The machine slept, or its clock was set.
        if (late.length > 0) lookBack(late);
        return late;
      });
    }
  };

  const begin = (record: ClaimedSlot): void => {
    const { plan: name, slot, runId, trigger } = record;
    log.info({ plan: name, slot: time(slot), trigger, run: runId }, 'run begins');
    if (running.size === 0) idle = Promise.withResolvers<void>();
    const run = options.launch({ plan: name, slot, runId });
    running.set(runId, run);
    void follow(record, run);
  };

  const follow = async (record: ClaimedSlot, run: RunningSlot): Promise<void> => {
    const { plan: name, runId } = record;
    const { exitCode, error } = await run.ended;
    running.delete(runId);
    cancelled.delete(runId);
    const level = exitCode === 0 || exitCode === 3 ? 'info' : 'warn';
    const why = error ? { error: error.message } : {};
    log[level]({ plan: name, run: runId, exit_code: exitCode, ...why }, 'run ended');
    attempt(() => {
      endUnbegun(state, record, error, now());
      settle();
    });
    if (running.size === 0) idle.resolve();
    options.onChange();
  };

  const settle = (): void => {
    const settled = settleSlots(state, isRunning, now(), (name) => !draining && plans.has(name));
    for (const { plan: name, slot } of settled.lost) {
      left.set(name, [...(left.get(name) ?? []), slot]);
      fresh.add(name);
    }
    if (settled.crashed && !draining) options.recover();
  };

  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the state database could not be written');
    }
  };

  return {
    put(name, facts, since) {
      const rules = rulesOf(facts.schedule);
      plans.set(name, { facts, rules, offset: jitterOf(name, host, rules.jitter), since, next: null });
      fresh.add(name);
      waiting = waiting.map((entry) => (entry.plan === name ? { ...entry, lock: facts.lock, rules } : entry));
    },
    drop(name) {
      plans.delete(name);
      fresh.delete(name);
      for (const entry of waiting.filter(({ plan: of }) => of === name))
        changeSlot(state, entry, 'waiting', { state: 'skipped', reason: 'the plan was removed' }, now());
      waiting = waiting.filter(({ plan: of }) => of !== name);
    },
    wake() {
      if (draining) return Infinity;
      if (now() < latest - keptRightMs) {
        // What comes next was worked out with a clock that was ahead, or comes again.
        latest = now();
        for (const name of plans.keys()) fresh.add(name);
      }
      latest = Math.max(latest, now());
      welcome();
      decideDue();
      const answer = claimWaiting({ state, self, isRunning, limits: options.limits(), now: now(), waiting });
      waiting = answer.waiting;
      for (const run of answer.cancel) {
        if (cancelled.has(run.runId)) continue;
        cancelled.add(run.runId);
        log.info({ plan: run.plan, run: run.runId }, 'run is cancelled for the next slot of its plan');
        options.cancelRun(run);
      }
      for (const record of answer.begin) begin(record);
      return Math.min(due.first()?.at ?? Infinity, now() + longestSleep);
    },
    settle,
    drain() {
      draining = true;
      waiting = [];
    },
    cancel() {
      for (const run of running.values()) run.cancel();
    },
    idle: () => idle.promise,
    counts: () => ({ plans: plans.size, waiting: waiting.length, running: running.size }),
  };
}

const time = (slot: number): string => new Date(slot).toISOString();
