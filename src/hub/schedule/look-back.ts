import { decidedUntil, rewindProgress } from '../../state/schedules/slot-progress.ts';
import { batch, hold, inTransaction, planNext, recordOf, slotAfter, type Agenda, type Planned } from './agenda.ts';
import { decideMissed, mostMissed } from './missed-slots.ts';
import { pausedPlans } from './plan-conditions.ts';
import type { SchedulerOptions } from './scheduler-options.ts';
import { newestSlots } from './slots.ts';

export type LookBackParts = Pick<SchedulerOptions, 'state' | 'self' | 'now' | 'log'>;

/** Looks back at every plan that is new, changed or left by another daemon, `batch` of them in each transaction. */
export function lookBackAtFresh(parts: LookBackParts, agenda: Agenda): void {
  // Those of one expression after each other: croner reads it once.
  const cronOf = (name: string): string => agenda.plans.get(name)?.rules.cron ?? '';
  const names = [...agenda.fresh].sort((a, b) => (cronOf(a) < cronOf(b) ? -1 : 1));
  for (let at = 0; at < names.length; at += batch) {
    const part = names.slice(at, at + batch);
    inTransaction(agenda, parts.state, part, () => {
      lookBack(parts, agenda, part);
      return part;
    });
  }
}

/** Decides the slots of these plans for which nobody was there, and then finds the next slot of each. */
export function lookBack(parts: LookBackParts, agenda: Agenda, names: readonly string[]): void {
  const { state, now } = parts;
  const paused = pausedPlans(state);
  rewindProgress(state, now());
  const newest = decidedUntil(state, names, now());
  for (const name of names) {
    const planned = agenda.plans.get(name);
    if (!planned) continue;
    const until = now() - planned.offset;
    // A plan that was put on the schedule by a clock that was ahead counts from now on.
    planned.since = Math.min(planned.since, now());
    const since = Math.max(planned.since, newest.get(name) ?? -Infinity);
    const first = slotAfter(planned, since);
    const unseen = first !== null && first <= until ? newestSlots(planned.rules, since, until, mostMissed) : [];
    const slots = [...(agenda.left.get(name) ?? []), ...unseen].sort((a, b) => a - b);
    if (slots.length > 0) decideThem(parts, agenda, name, planned, { slots, paused: paused.get(name) });
    const after = Math.max(until, planned.since);
    const isFirst = first === null || (since <= after && after < first);
    planNext(agenda, name, planned, isFirst ? first : slotAfter(planned, after));
  }
}

function decideThem(
  parts: LookBackParts,
  agenda: Agenda,
  name: string,
  planned: Planned,
  past: { readonly slots: readonly number[]; readonly paused: string | undefined },
): void {
  const { state, now, log } = parts;
  const { rules, offset } = planned;
  const answer = decideMissed(state, {
    plan: name,
    rules,
    offset,
    ...past,
    now: now(),
    record: (slot, what) => recordOf(parts, name, planned, slot, what),
  });
  for (const entry of answer.waiting) hold(agenda, entry, planned);
  if (answer.missed > 0) log.warn({ plan: name, missed: answer.missed }, 'slots were missed');
}
