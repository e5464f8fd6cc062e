import { catalogue } from '../errors/catalogue.ts';
import { errorToJson, SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { BegunStep, Said } from './begun-step.ts';
import type { RunLimits } from './run-options.ts';
import { settle } from './settle.ts';
import type { RunFacts, UndoContext } from './step.ts';
import { timeLimit } from './time-limit.ts';

/** What undoing needs, in a run and in its recovery. */
export interface UndoParts<S> {
  readonly runId: string;
  readonly journal: Journal;
  readonly services: S;
  readonly limits: RunLimits;
  readonly atOnce: AbortSignal;
  /** Whether it is known that the run has published its result. */
  readonly isPublished: boolean;
  say(event: Said): void;
  facts(stepId: string): RunFacts;
}

/**
 * Closes the step's scope, then undoes it, each within the time limit and whatever the other does.
 * @returns what could not be cleaned up, null where all was
 */
export async function undoStep<S>(parts: UndoParts<S>, step: BegunStep<S>): Promise<SendenseError | null> {
  const { stepId } = step;
  const faults: SendenseError[] = [];
  const note = (entry: JournalEntry): void => {
    // A journal that cannot be written (disk full) is no reason to leave things behind.
    if (!parts.atOnce.aborted) faults.push(...attempt(() => parts.journal.record(parts.runId, stepId, entry)));
  };
  note({ event: 'undo_started' });
  if (step.definition?.undo) parts.say({ type: 'undo.started', step: stepId });
  faults.push(...(await closeScope(parts, step)));
  faults.push(...(await callUndo(parts, step)));
  if (step.stuck) faults.push(step.stuck);
  if (faults.length === 0) note({ event: 'undo_finished' });
  if (faults.length === 0) {
    step.undone = true;
    if (step.definition?.undo) parts.say({ type: 'undo.finished', step: stepId });
    return null;
  }
  const error = uncleanError(stepId, faults);
  note({ event: 'undo_failed', error: errorToJson(error) });
  parts.say({ type: 'undo.failed', step: stepId, error: errorToJson(error) });
  return error;
}

/** Whether a step that may be the publish point has published; asked with the time limit of an undo. */
export async function askPublished<S>(parts: UndoParts<S>, step: BegunStep<S>): Promise<boolean> {
  const published = step.definition?.published;
  if (!published) return false;
  const answer = await limited(parts, `asking whether ${step.stepId} has published`, (signal) =>
    published(undoContext(parts, step, signal), step.claim),
  );
  if (!answer.ok) throw answer.error;
  return answer.value;
}

export async function closeScope<S>(parts: UndoParts<S>, step: BegunStep<S>): Promise<SendenseError[]> {
  const scope = step.scope;
  if (!scope) return [];
  step.scope = undefined;
  const closed = await limited(parts, `closing what step ${step.stepId} holds open`, () => dispose(scope));
  return closed.ok ? [] : [closed.error];
}

async function callUndo<S>(parts: UndoParts<S>, step: BegunStep<S>): Promise<SendenseError[]> {
  if (!step.definition) {
    return [new SendenseError('run.internal', `this program does not know the step ${step.uses}`)];
  }
  const undo = step.definition.undo;
  if (!undo) return [];
  const undone = await limited(parts, `undoing step ${step.stepId}`, (signal) =>
    undo(undoContext(parts, step, signal), step.claim),
  );
  return undone.ok ? [] : [undone.error];
}

const undoContext = <S>(parts: UndoParts<S>, step: BegunStep<S>, signal: AbortSignal): UndoContext<S> => ({
  ...parts.facts(step.stepId),
  services: parts.services,
  signal,
  remembered: { ...step.remembered },
  isPublished: parts.isPublished,
  log: (message) => parts.say({ type: 'step.log', step: step.stepId, level: 'info', message }),
  warn: (message) => parts.say({ type: 'step.log', step: step.stepId, level: 'warning', message }),
});

async function limited<S, T>(parts: UndoParts<S>, what: string, work: (signal: AbortSignal) => Promise<T>) {
  const ms = parts.limits.undo;
  using limit = timeLimit(ms, () => new SendenseError('step.timeout', `${what} took longer than ${ms} ms`));
  const signal = AbortSignal.any([limit.signal, parts.atOnce]);
  return await settle(() => work(signal), signal, parts.limits.grace);
}

/** All that went wrong in one error, and not the SuppressedError that disposal makes of it. */
async function dispose(scope: AsyncDisposableStack): Promise<void> {
  try {
    await scope.disposeAsync();
  } catch (error) {
    const all: unknown[] = [];
    for (let rest: unknown = error; ;) {
      if (!(rest instanceof SuppressedError)) {
        all.push(rest);
        break;
      }
      all.push(rest.error);
      rest = rest.suppressed;
    }
    if (all.length === 1) throw error;
    throw new Error(all.map((one) => toSendenseError(one).message).join('; '), { cause: error });
  }
}

function uncleanError(stepId: string, faults: readonly SendenseError[]): SendenseError {
  const messages = faults.map(({ message }) => message).join('; ');
  const remedies = [...faults.map(({ remedy }) => remedy), catalogue['run.unclean'].remedy];
  return new SendenseError('run.unclean', `step ${stepId} could not be cleaned up: ${messages}`, {
    cause: faults[0],
    remedy: [...new Set(remedies)].join(' '),
  });
}

function attempt(work: () => void): SendenseError[] {
  try {
    work();
    return [];
  } catch (error) {
    return [toSendenseError(error)];
  }
}
