import { SendenseError } from '../errors/sendense-error.ts';

export const stepEvents = ['started', 'succeeded', 'failed', 'undo_started', 'undo_finished', 'undo_failed'] as const;

/** What the journal records of a step. The state of a step is its last event. */
export type StepEvent = (typeof stepEvents)[number];

/**
 * Which event may follow which. `undo_started` after itself: an earlier undo was cut off by a crash.
 * `started` after `undo_finished`: another attempt.
 */
export const stepTransitions: Readonly<Record<'none' | StepEvent, readonly StepEvent[]>> = {
  none: ['started'],
  started: ['succeeded', 'failed', 'undo_started'],
  succeeded: ['undo_started'],
  failed: ['undo_started'],
  undo_started: ['undo_started', 'undo_finished', 'undo_failed'],
  undo_failed: ['undo_started'],
  undo_finished: ['started'],
};

/** @throws SendenseError `run.internal` where `event` may not follow `from` */
export function assertTransition(step: string, from: StepEvent | undefined, event: StepEvent): void {
  if (stepTransitions[from ?? 'none'].includes(event)) return;
  throw new SendenseError('run.internal', `journal: step ${step} cannot go from ${from ?? 'none'} to ${event}`);
}
