import type { State } from '../../state/database/open-state.ts';
import type { SlotRecord } from '../../state/schedules/schedule-slots.ts';
import type { ScheduledPlan } from '../../state/schedules/schedules.ts';
import type { WaitingSlot } from './claim-waiting.ts';
import { createDueQueue, type DueQueue } from './due-queue.ts';
import type { ScheduleRules } from './schedule-rules.ts';
import type { SchedulerOptions } from './scheduler-options.ts';
import { nextSlot } from './slots.ts';

/** A plan that is on the schedule. */
export interface Planned {
  readonly facts: ScheduledPlan;
  readonly rules: ScheduleRules;
  /** The plan's jitter, ms. */
  readonly offset: number;
  since: number;
  /** Null: none ever comes. */
  next: number | null;
}

/** What the scheduler keeps in memory. The database has everything that must outlive it. */
export interface Agenda {
  readonly plans: Map<string, Planned>;
  /** The next slot of each plan. */
  readonly due: DueQueue;
  /** Plans whose past has to be looked at. */
  readonly fresh: Set<string>;
  /** Slots that a daemon left behind, by plan. */
  readonly left: Map<string, number[]>;
  /** Slots whose run begins as soon as it may. */
  waiting: WaitingSlot[];
}

/** Plans that one transaction decides about: other processes come to write in between. */
export const batch = 500;

export const createAgenda = (): Agenda => ({
  plans: new Map(),
  due: createDueQueue(),
  fresh: new Set(),
  left: new Map(),
  waiting: [],
});

/** Puts a plan's next slot on the queue. */
export function planNext({ due }: Agenda, plan: string, planned: Planned, next: number | null): void {
  planned.next = next;
  if (next !== null) due.push({ at: next + planned.offset, plan, slot: next });
}

export const slotAfter = ({ rules }: Planned, after: number): number | null =>
  rules.enabled ? nextSlot(rules, after) : null;

export const hold = ({ waiting }: Agenda, record: SlotRecord, { facts, rules }: Planned): void =>
  void waiting.push({ ...record, lock: facts.lock, rules });

/** The row of a slot that is decided now. */
export function recordOf(
  { self, now }: Pick<SchedulerOptions, 'self' | 'now'>,
  plan: string,
  { facts }: Planned,
  slot: number,
  what: Pick<SlotRecord, 'state' | 'reason' | 'trigger'>,
): SlotRecord {
  const { kind, node, repository } = facts;
  const owner = what.state === 'waiting' ? self : null;
  return { plan, slot, kind, node, repository, runId: null, owner, decided: now(), ...what };
}

/**
 * A failed transaction sends `names` back to be looked for in the past, because memory had already lost them. A transaction
 * that is on the disk lets memory forget the plans that `work` returns: those that were looked back at.
 */
export function inTransaction(
  agenda: Agenda,
  state: State,
  names: readonly string[],
  work: () => readonly string[],
): void {
  const before = agenda.waiting.length;
  try {
    for (const name of state.transaction(work)) {
      agenda.left.delete(name);
      agenda.fresh.delete(name);
    }
  } catch (error) {
    agenda.waiting.length = before;
    for (const name of names) agenda.fresh.add(name);
    throw error;
  }
}
