import type { RunOrigin } from '../../engine/journal.ts';
import type { CancelSignals } from '../../engine/run-options.ts';
import type { RunEvent } from '../../schemas/types.ts';
import type { JudgedPlan } from './judged-plan.ts';
import type { SlotKey } from '../schedule/take-slot.ts';

export interface RunRequest {
  readonly file: string;
  /** The plan's text, instead of what is in `file`. */
  readonly text?: string | undefined;
  readonly mode?: 'auto' | 'full' | 'incremental' | undefined;
  /** The plan that the file has to have still, as the hub has judged it; undefined: any. */
  readonly judged?: JudgedPlan | undefined;
  emit?(event: RunEvent): void;
  readonly cancel?: CancelSignals | undefined;
  /** Default: by hand. */
  readonly origin?: RunOrigin | undefined;
  /** The slot of a schedule that it is for, claimed for this run. */
  readonly slot?: SlotKey | undefined;
  /** Gets what did not go well and does not change how the run ends: a notice that was not delivered. */
  warn?(message: string): void;
}
