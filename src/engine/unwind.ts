import type { SendenseError } from '../errors/sendense-error.ts';
import type { BegunStep } from './begun-step.ts';
import type { AnyStep } from './step.ts';
import { closeScope, undoStep, type UndoParts } from './undo-step.ts';

export interface Unwound {
  /** Ids of the steps that were undone, newest first. */
  readonly undone: string[];
  readonly errors: SendenseError[];
}

/** Whether what the step leaves stays for good once the run has published. */
export const isResult = <S>(definition: AnyStep<S> | undefined): boolean =>
  definition?.leaves === 'result' || definition?.published !== undefined;

/**
 * Undoes steps newest first; every one is tried. Where the run has published, steps that leave part of its result are
 * only closed.
 * @param steps oldest first
 */
export async function unwind<S>(
  parts: UndoParts<S>,
  steps: readonly BegunStep<S>[],
  published: boolean,
): Promise<Unwound> {
  const undone: string[] = [];
  const errors: SendenseError[] = [];
  for (const step of steps.toReversed()) {
    if (parts.atOnce.aborted) break;
    if (step.undone) continue;
    if (published && isResult(step.definition)) {
      errors.push(...(await closeScope(parts, step)));
      continue;
    }
    const error = await undoStep(parts, step);
    if (error) errors.push(error);
    else undone.push(step.stepId);
  }
  return { undone, errors };
}
