import { changeSlot } from '../../state/schedules/schedule-slots.ts';
import type { ScheduledPlan } from '../../state/schedules/schedules.ts';
import { createAgenda, type Agenda } from './agenda.ts';
import { claimWaiting } from './claim-waiting.ts';
import { decideDue } from './decide-due.ts';
import { lookBackAtFresh } from './look-back.ts';
import { jitterOf, rulesOf } from './schedule-rules.ts';
import type { SchedulerOptions } from './scheduler-options.ts';
import { endUnbegun, settleSlots } from './settle-slots.ts';
import { createSlotRuns, type SlotRuns } from './slot-runs.ts';

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

/**
 * The heart of the daemon: decides what becomes of each slot. Knows no files and no clock but `now`.
 *
 * `agenda.ts` is its memory, `look-back.ts` decides the past, `decide-due.ts` the present, `claim-waiting.ts` which slots may
 * begin now, `slot-runs.ts` follows the runs, and `settle-slots.ts` writes down how they ended.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { state, isRunning, now, log } = options;
  const agenda = createAgenda();
  let draining = false;

  const settle = (): void => {
    const { lost, crashed } = settleSlots(state, isRunning, now(), (name) => !draining && agenda.plans.has(name));
    for (const { plan, slot } of lost) {
      agenda.left.set(plan, [...(agenda.left.get(plan) ?? []), slot]);
      agenda.fresh.add(plan);
    }
    if (crashed && !draining) options.recover();
  };

  const runs = createSlotRuns({
    ...options,
    ended: (slot, error) => {
      try {
        endUnbegun(state, slot, error, now());
        settle();
      } catch (failure) {
        log.error({ error: (failure as Error).message }, 'the state database could not be written');
      }
    },
  });
  const wasSetBack = watchSetBack(now);

  return {
    put: (name, facts, since) => put(agenda, options.host, name, facts, since),
    drop: (name) => drop(agenda, options, name),
    wake() {
      if (draining) return Infinity;
      // What comes next was worked out with a clock that was ahead, or comes again.
      if (wasSetBack()) for (const name of agenda.plans.keys()) agenda.fresh.add(name);
      lookBackAtFresh(options, agenda);
      decideDue(options, agenda);
      beginWaiting(options, agenda, runs);
      return Math.min(agenda.due.first()?.at ?? Infinity, now() + longestSleep);
    },
    settle,
    drain() {
      draining = true;
      agenda.waiting = [];
    },
    cancel: runs.cancel,
    idle: runs.idle,
    counts: () => ({ plans: agenda.plans.size, waiting: agenda.waiting.length, running: runs.count }),
  };
}

function put(agenda: Agenda, host: string, name: string, facts: ScheduledPlan, since: number): void {
  const rules = rulesOf(facts.schedule);
  agenda.plans.set(name, { facts, rules, offset: jitterOf(name, host, rules.jitter), since, next: null });
  agenda.fresh.add(name);
  agenda.waiting = agenda.waiting.map((entry) => (entry.plan === name ? { ...entry, lock: facts.lock, rules } : entry));
}

function drop(agenda: Agenda, { state, now }: SchedulerOptions, name: string): void {
  agenda.plans.delete(name);
  agenda.fresh.delete(name);
  for (const entry of agenda.waiting.filter(({ plan }) => plan === name))
    changeSlot(state, entry, 'waiting', { state: 'skipped', reason: 'the plan was removed' }, now());
  agenda.waiting = agenda.waiting.filter(({ plan }) => plan !== name);
}

/** Begins what may begin now, and asks runs that are in the way to stop. */
function beginWaiting(options: SchedulerOptions, agenda: Agenda, runs: SlotRuns): void {
  const { state, self, isRunning, now } = options;
  const { waiting } = agenda;
  const answer = claimWaiting({ state, self, isRunning, limits: options.limits(), now: now(), waiting });
  agenda.waiting = answer.waiting;
  for (const run of answer.cancel) runs.makeRoom(run);
  for (const slot of answer.begin) runs.begin(slot);
}

/** Says whether the clock was set back since it was last asked. */
function watchSetBack(now: () => number): () => boolean {
  let latest = now();
  return () => {
    const back = now() < latest - keptRightMs;
    latest = back ? now() : Math.max(latest, now());
    return back;
  };
}
