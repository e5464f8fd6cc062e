import { raiseNotice } from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import { decideSlot, type SlotRecord } from '../../state/schedules/schedule-slots.ts';
import type { SlotState } from '../../state/schedules/slot-states.ts';
import { blackoutAt, type ScheduleRules } from './schedule-rules.ts';

/** How late a run may begin and still be on time, ms: the length of a restart. */
export const graceMs = 5 * 60_000;
/** So many missed slots of a plan are written down; of those before nothing is known. */
export const mostMissed = 1000;

export interface MissedOptions {
  readonly plan: string;
  readonly rules: ScheduleRules;
  /** Of the plan, ms. */
  readonly offset: number;
  /** Oldest first; nobody has decided about them, or they were given up as missed. */
  readonly slots: readonly number[];
  readonly now: number;
  /** Why the plan is paused; undefined: it is not. */
  readonly paused: string | undefined;
  record(slot: number, what: Pick<SlotRecord, 'state' | 'reason' | 'trigger'>): SlotRecord;
}

export interface MissedAnswer {
  /** Are to run now, oldest first. */
  readonly waiting: readonly SlotRecord[];
  /** How many stay missed. */
  readonly missed: number;
}

/**
 * Decides about slots for which no daemon was there: those that the plan wants to be caught up wait for their run, the
 * others stay visible as missed, and somebody hears of it unless a run for a later slot makes up for them.
 */
export function decideMissed(state: State, options: MissedOptions): MissedAnswer {
  const { plan, rules, offset, slots, now, paused, record } = options;
  const settle = (slot: number, what: SlotState, reason: string | null, over: readonly SlotState[] = ['missed']) => {
    const row = record(slot, { state: what, reason, trigger: isLate(slot) ? 'catch-up' : 'schedule' });
    return decideSlot(state, row, { over }) ? row : null;
  };
  const isLate = (slot: number): boolean => now - slot - offset > graceMs;
  const open: number[] = [];
  for (const slot of slots) {
    const blackout = blackoutAt(rules, slot + offset);
    if (paused !== undefined) settle(slot, 'paused', paused);
    else if (blackout !== null) settle(slot, 'blackout', blackout);
    else open.push(slot);
  }
  const wanted = wantedOf(open, rules, now, isLate);
  const waiting = wanted.map((slot) => settle(slot, 'waiting', null)).filter((row) => row !== null);
  const madeUp = rules.catchUp === 'latest' && wanted.length > 0;
  const reason = madeUp ? `made up for by the slot of ${time(wanted.at(-1) ?? 0)}` : 'no daemon ran at that time';
  const left = open.filter((slot) => !wanted.includes(slot));
  const missed = left.filter((slot) => settle(slot, 'missed', reason, []) !== null || !madeUp).length;
  if (missed > 0 && !madeUp) raise(state, plan, left, now);
  return { waiting, missed };
}

function wantedOf(
  slots: readonly number[],
  { catchUp, catchUpWindow }: ScheduleRules,
  now: number,
  isLate: (slot: number) => boolean,
): number[] {
  const inTime = slots.filter((slot) => (catchUp !== 'none' && now - slot <= catchUpWindow) || !isLate(slot));
  return catchUp === 'all' ? inTime : inTime.slice(-1);
}

function raise(state: State, plan: string, slots: readonly number[], now: number): void {
  const [first = 0, last = first] = [slots[0], slots.at(-1)];
  const which =
    slots.length === 1 ? `its slot of ${time(first)}` : `${slots.length} slots from ${time(first)} to ${time(last)}`;
  raiseNotice(
    state,
    {
      event: 'missed-slot',
      plan,
      message: `${plan} missed ${which}: no daemon ran`,
      details: { slots: slots.length, first, last },
    },
    now,
  );
}

const time = (slot: number): string => new Date(slot).toISOString().replace('.000', '');
