import { setTimeout as delay } from 'node:timers/promises';
import { cancelledBy } from '../../engine/install-signals.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { RunFinishedEvent } from '../../schemas/types.ts';
import { decideSlot } from '../../state/schedules/schedule-slots.ts';
import { decidedUntil, rewindProgress } from '../../state/schedules/slot-progress.ts';
import { decideMissed, mostMissed } from './missed-slots.ts';
import { busyPlans, pausedPlans } from './plan-conditions.ts';
import { runWaiting, slotRecord, type FoundSchedule, type RunHere, type RunWatch } from './run-here.ts';
import { jitterOf, rulesOf } from './schedule-rules.ts';
import { newestSlots, slotBefore } from './slots.ts';

/**
 * What a timer of systemd does each time: runs what is due now and what was missed before, as the plan says, unless a daemon or
 * another timer did. Answers with the last run; undefined: nothing was to be done.
 */
export async function runDueSlots(
  here: RunHere,
  found: FoundSchedule,
  { host, ...watch }: RunWatch & { host: string },
): Promise<RunFinishedEvent | undefined> {
  const { state } = here;
  const { plan, facts } = found;
  const rules = rulesOf(facts.schedule);
  if (!rules.enabled) return undefined;
  const offset = jitterOf(plan, host, rules.jitter);
  const last = slotBefore(rules, Date.now());
  if (last === undefined) return undefined;
  await until(last + offset, watch);
  const busy = busyPlans(state, isRunning).get(plan);
  const skips = busy !== undefined && rules.overlap === 'skip';
  const waiting = state.transaction(() => {
    // A timer that was made for a plan that nobody knew: this slot is its first.
    rewindProgress(state, Date.now());
    const decided = decidedUntil(state, [plan], Date.now()).get(plan) ?? -Infinity;
    const since = Math.max(Math.min(found.since, last - 1), decided);
    const slots = newestSlots(rules, since, last, mostMissed);
    if (skips) {
      const reason = `run ${busy.runId} still goes on`;
      decideSlot(state, slotRecord(here, found, last, { state: 'skipped', reason, trigger: 'timer' }));
      return [];
    }
    return decideMissed(state, {
      plan,
      rules,
      offset,
      slots,
      now: Date.now(),
      paused: pausedPlans(state).get(plan),
      record: (slot, what) =>
        slotRecord(here, found, slot, { ...what, trigger: what.trigger === 'schedule' ? 'timer' : what.trigger }),
    }).waiting;
  });
  let finished: RunFinishedEvent | undefined;
  for (const record of waiting) finished = (await runWaiting(here, found, record, watch)) ?? finished;
  return finished;
}

/** The jitter is ours, so that it is the same with a daemon and with timers. */
async function until(time: number, { cancel }: RunWatch): Promise<void> {
  const left = time - Date.now();
  if (left > 0) await delay(left, undefined, cancel ? { signal: cancel.gently } : {}).catch(() => undefined);
  if (cancel?.gently.aborted) throw cancelledBy('a signal');
}
