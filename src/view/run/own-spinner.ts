import { Spinner } from 'listr2';
import type { Style } from '../style.ts';

/** A spinner of listr2 without a clock of its own: whoever draws the view says when all of it moves on. */
export interface OwnSpinner extends Spinner {
  /** The next picture, not drawn yet. */
  spin(): void;
  /** Draws everything again. */
  redraw(): void;
}

export function ownSpinner({ symbols }: Style): OwnSpinner {
  let draw: (() => void) | undefined;
  return Object.assign(new Spinner(), {
    spinner: [...symbols.spinner],
    start: (redraw?: () => void): void => void (draw = redraw),
    stop: (): void => void (draw = undefined),
    isRunning: (): boolean => draw !== undefined,
    redraw: (): void => draw?.(),
  });
}
