import { setTimeout as delay } from 'node:timers/promises';
import { newRunId } from '../../engine/run-id.ts';
import { cancelledBy } from '../../engine/install-signals.ts';
import type { RunOrigin } from '../../engine/journal.ts';
import type { CancelSignals } from '../../engine/run-options.ts';
import { errorToJson, toSendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { ProcessIdentity, RunEvent, RunFinishedEvent } from '../../schemas/types.ts';
import type { AdmissionLimits } from '../../state/schedules/admission.ts';
import type { State } from '../../state/database/open-state.ts';
import { changeSlot, decideSlot, type SlotRecord, type SlotTrigger } from '../../state/schedules/schedule-slots.ts';
import type { ScheduledPlan } from '../../state/schedules/schedules.ts';
import { claimWaiting, type ClaimedSlot } from './claim-waiting.ts';
import { rulesOf } from './schedule-rules.ts';
import { endUnbegun, settleSlots } from './settle-slots.ts';
import type { SlotKey } from './take-slot.ts';

/** A process that runs slots itself, without a daemon. */
export interface RunHere {
  readonly state: State;
  readonly self: ProcessIdentity;
  readonly limits: AdmissionLimits;
  run(request: SlotRun): Promise<RunFinishedEvent>;
}

/** What `Hub.run` is asked for. */
export interface SlotRun extends RunWatch {
  readonly file: string;
  readonly text: string;
  readonly origin: RunOrigin;
  readonly slot: SlotKey;
}

/** A scheduled plan, with the text in force. */
export interface FoundSchedule {
  readonly plan: string;
  /** Absolute. */
  readonly file: string;
  readonly text: string;
  readonly facts: ScheduledPlan;
  /** Slots after this count. */
  readonly since: number;
}

export interface RunWatch {
  emit?(event: RunEvent): void;
  /** As of `RunRequest`. */
  warn?(message: string): void;
  readonly cancel?: CancelSignals | undefined;
}

interface SlotHere {
  readonly slot: number;
  readonly trigger: SlotTrigger;
}

/** A slot of a plan that this process decides about. */
export const slotRecord = (
  here: RunHere,
  { plan, facts }: FoundSchedule,
  slot: number,
  what: Pick<SlotRecord, 'state' | 'reason' | 'trigger'>,
): SlotRecord => ({
  plan,
  slot,
  kind: facts.kind,
  node: facts.node,
  repository: facts.repository,
  runId: null,
  owner: here.self,
  decided: Date.now(),
  ...what,
});

/** Runs a plan at once, without asking for limits: for somebody who says so. */
export async function runHere(
  here: RunHere,
  found: FoundSchedule,
  at: SlotHere,
  watch: RunWatch,
): Promise<RunFinishedEvent> {
  const { slot, trigger } = at;
  const runId = newRunId(Date.now());
  const record = { ...slotRecord(here, found, slot, { state: 'claimed', reason: null, trigger }), runId };
  decideSlot(here.state, record);
  return runClaimed(here, found, record, watch);
}

/**
 * Runs a slot that waits, as soon as its turn comes: nothing else of the plan or its VM goes on, and the limits let it.
 * Undefined: another process ended the slot meanwhile.
 */
export async function runWaiting(
  here: RunHere,
  found: FoundSchedule,
  record: SlotRecord,
  watch: RunWatch,
): Promise<RunFinishedEvent | undefined> {
  const { state, self, limits } = here;
  let waiting = [{ ...record, lock: found.facts.lock, rules: rulesOf(found.facts.schedule) }];
  for (;;) {
    const answer = claimWaiting({ state, self, isRunning, limits, now: Date.now(), waiting });
    const [claimed] = answer.begin;
    if (claimed) return runClaimed(here, found, claimed, watch);
    if (answer.waiting.length === 0) return undefined;
    waiting = answer.waiting;
    await delay(waitMs, undefined, watch.cancel ? { signal: watch.cancel.gently } : {}).catch(() => undefined);
    if (watch.cancel?.gently.aborted) {
      changeSlot(state, record, 'waiting', { state: 'cancelled', reason: 'cancelled while it waited' });
      throw cancelledBy('a signal');
    }
  }
}

const waitMs = 2000;

async function runClaimed(
  { state, run }: RunHere,
  { file, text }: FoundSchedule,
  { plan, slot, trigger, runId }: Pick<ClaimedSlot, 'plan' | 'slot' | 'trigger' | 'runId'>,
  watch: RunWatch,
): Promise<RunFinishedEvent> {
  try {
    const key = { plan, slot, runId };
    return await run({ file, text, origin: { trigger, slot }, slot: key, ...watch });
  } catch (error) {
    endUnbegun(state, { plan, slot, runId }, errorToJson(toSendenseError(error)), Date.now());
    throw error;
  } finally {
    settleSlots(state, isRunning, Date.now());
  }
}
