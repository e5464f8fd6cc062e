import type { RunEvent } from '../../schemas/types.ts';

/** Shows the events of one run while it goes on. Never acts, never throws at the run. */
export interface RunView {
  event(event: RunEvent): void;
  /** Resolves when all is drawn and the terminal is as it was. */
  close(): Promise<void>;
}
