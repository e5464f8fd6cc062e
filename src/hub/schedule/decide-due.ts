import { decideSlot, listSlots } from '../../state/schedules/schedule-slots.ts';
import { batch, hold, inTransaction, planNext, recordOf, slotAfter, type Agenda, type Planned } from './agenda.ts';
import { lookBack } from './look-back.ts';
import { graceMs } from './missed-slots.ts';
import { busyPlans, pausedPlans } from './plan-conditions.ts';
import { blackoutAt } from './schedule-rules.ts';
import type { SchedulerOptions } from './scheduler-options.ts';
import { slotTime } from './slots.ts';

export type DecideParts = Pick<SchedulerOptions, 'state' | 'self' | 'isRunning' | 'now' | 'log'>;

/** Decides every slot that is due, `batch` of them in each transaction. */
export function decideDue(parts: DecideParts, agenda: Agenda): void {
  const { due, plans } = agenda;
  const isDue = (): boolean => (due.first()?.at ?? Infinity) <= parts.now();
  while (isDue()) {
    const late: string[] = [];
    const taken: string[] = [];
    inTransaction(agenda, parts.state, taken, () => {
      const present = conditions(parts);
      for (let done = 0; done < batch && isDue(); done++) {
        const next = due.pop();
        const planned = next && plans.get(next.plan);
        // Otherwise the plan was changed or taken off meanwhile.
        if (!next || !planned || planned.next !== next.slot) continue;
        taken.push(next.plan);
        if (parts.now() - next.at > graceMs) {
          late.push(next.plan);
          continue;
        }
        decide(parts, agenda, next, planned, present);
        planNext(agenda, next.plan, planned, slotAfter(planned, next.slot));
      }
      // The machine slept, or its clock was set.
      if (late.length > 0) lookBack(parts, agenda, late);
      return late;
    });
  }
}

/** What is in the way of several plans, read once. */
const conditions = ({ state, isRunning }: DecideParts) => ({
  paused: pausedPlans(state),
  busy: busyPlans(state, isRunning),
});

/** A slot that has just become due: it waits for its run, or never has one. */
function decide(
  parts: DecideParts,
  agenda: Agenda,
  { plan: name, slot }: { readonly plan: string; readonly slot: number },
  planned: Planned,
  { paused, busy }: ReturnType<typeof conditions>,
): void {
  const { state, now, log } = parts;
  const { rules } = planned;
  const put = (what: 'paused' | 'blackout' | 'skipped', reason: string | null): void => {
    const record = recordOf(parts, name, planned, slot, { state: what, reason, trigger: 'schedule' });
    if (decideSlot(state, record, { onTime: true }))
      log.info({ plan: name, slot: slotTime(slot), reason }, `slot ${what}`);
  };
  if (paused.has(name)) return put('paused', paused.get(name) ?? null);
  const blackout = blackoutAt(rules, now());
  if (blackout !== null) return put('blackout', blackout);
  const before = busy.get(name);
  if (before && rules.overlap === 'skip') return put('skipped', `run ${before.runId} still goes on`);
  const [waits] = listSlots(state, { plan: name, states: ['waiting'], limit: 1 });
  if (waits && !(rules.catchUp === 'all' && waits.trigger === 'catch-up'))
    return put('skipped', `the slot of ${slotTime(waits.slot)} still waits`);
  const record = recordOf(parts, name, planned, slot, { state: 'waiting', reason: null, trigger: 'schedule' });
  if (decideSlot(state, record, { onTime: true })) hold(agenda, record, planned);
}
