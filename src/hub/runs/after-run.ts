import type { NoticeParts } from '../notify/notice-parts.ts';
import type { Pipeline } from '../../engine/pipeline.ts';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { lookAtClock } from '../../host/system/boot-clock.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { Plan, RunEvent, RunFinishedEvent } from '../../schemas/types.ts';
import { hasDeliverer } from '../../state/notices/channels.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import { watchClock } from '../clock-watch.ts';
import { checkRpo } from '../notify/check-rpo.ts';
import type { RunRequest } from './run-request.ts';
import { watch } from '../notify/watch-plan.ts';

export interface RunWatch {
  /** Gets every event of the run. */
  event(event: RunEvent): void;
  /** Tells who is to be told. Never rejects, and says nothing of the run's outcome. */
  finished(event: RunFinishedEvent): Promise<void>;
}

/** The longest that the end of a run waits for its notices to be delivered, ms; what is left is for the next run, or the daemon. */
const deliveryMs = 30_000;
/** The longest that it waits for the next attempt of one that failed. */
const retryMs = 20_000;

/** Sees to it that nobody has to look at a run to know how it went. The runs of a group speak through the group's own. */
export function watchRun(
  parts: NoticeParts,
  pipeline: Pipeline,
  { text, origin, slot, cancel, warn = () => {} }: Pick<RunRequest, 'text' | 'origin' | 'slot' | 'cancel' | 'warn'>,
): RunWatch {
  if (origin?.trigger === 'group') return { event: () => {}, finished: () => Promise.resolve() };
  const { state } = parts;
  const plan = pipeline.plan as unknown as Plan;
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      warn(`notices: ${toSendenseError(error).message}`);
    }
  };
  // What a command line says is no plan of that file: the one that is in it must go on being watched.
  const typed = text !== undefined && slot === undefined;
  if (!typed) attempt(() => watch(state, plan, pipeline.file));
  let begun: Promise<void> | undefined;
  return {
    event(event) {
      // By then the run is in the journal.
      if (event.type === 'step.started') begun ??= deliverNow(parts, warn, { plan: pipeline.name, waitMs: 0 });
    },
    async finished({ error }) {
      attempt(() => {
        if (error?.code === 'run.locked')
          raiseNotice(state, {
            event: 'lock-refused',
            plan: pipeline.name,
            vm: pipeline.vm,
            message: `${pipeline.name} did not run: ${error.message}`,
            details: { error },
          });
        watchClock(state, lookAtClock(), { warn: () => {} });
        checkRpo(state);
      });
      await begun;
      // Whoever stops the program now does not wait for a mail server; the run itself may have been stopped before.
      const stop = cancel?.gently.aborted ? cancel.atOnce : cancel?.gently;
      await deliverNow(parts, warn, { stop });
    },
  };
}

/** A plan that nobody looks at could not even begin. */
export function noticeOfInvalidPlan(
  state: State,
  { origin, slot, file }: Pick<RunRequest, 'origin' | 'slot' | 'file'>,
  error: unknown,
): void {
  if (origin === undefined || origin.trigger === 'manual' || origin.trigger === 'command' || origin.trigger === 'group')
    return;
  const { code, message } = toSendenseError(error);
  raiseNotice(state, {
    event: 'invalid-plan',
    plan: slot?.plan,
    runId: slot?.runId,
    message: `${file} cannot run: ${message}`,
    details: { file, code },
  });
}

export interface DeliverNowOptions {
  /** Only what is about this plan. */
  readonly plan?: string;
  /** How long it waits for the next attempt of one that failed, ms. */
  readonly waitMs?: number;
  readonly stop?: AbortSignal | undefined;
}

/**
 * Delivers what waits, within a bounded time. Where a daemon lives, only what is due at once: it does the rest. Never
 * rejects; what goes wrong is a warning.
 */
export async function deliverNow(
  parts: NoticeParts,
  warn: (message: string) => void,
  { plan, waitMs = retryMs, stop }: DeliverNowOptions = {},
): Promise<void> {
  if (Object.keys(parts.settings.notify.channels).length === 0) return;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), deliveryMs);
  const signal = stop ? AbortSignal.any([limit.signal, stop]) : limit.signal;
  try {
    const daemon = hasDeliverer(parts.state, isRunning);
    const { deliver } = await import('../notify/deliver.ts');
    await deliver({
      ...parts,
      plan,
      waitMs: daemon ? 0 : waitMs,
      atOnce: !daemon,
      signal,
      warn,
    });
  } catch (error) {
    warn(`notices: ${toSendenseError(error).message}`);
  } finally {
    clearTimeout(timer);
  }
}
