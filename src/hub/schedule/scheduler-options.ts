import type { ErrorOutput, ProcessIdentity } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import type { IsRunning } from '../../state/runs/locks.ts';
import type { AdmissionLimits } from '../../state/schedules/admission.ts';
import type { HubLog } from '../hub-log.ts';
import type { BusyPlan } from './plan-conditions.ts';

/** What a slot's run is begun with. */
export interface RunOrder {
  readonly plan: string;
  readonly slot: number;
  readonly runId: string;
}

/** A run that the daemon began, in a process of its own. */
export interface RunningSlot {
  /** Never rejects. The error is why the run could not begin or how it failed. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly error: ErrorOutput | null }>;
  /** Asks it to stop and clean up; a second time, to return at once. */
  cancel(): void;
}

export interface SchedulerOptions {
  readonly state: State;
  /** The daemon's process. */
  readonly self: ProcessIdentity;
  readonly isRunning: IsRunning;
  /** Decides about jitter, with the plan's name. */
  readonly host: string;
  limits(): AdmissionLimits;
  now(): number;
  launch(order: RunOrder): RunningSlot;
  /** Asks a run of another process to stop and clean up. */
  cancelRun(run: BusyPlan): void;
  /** Cleans up after runs whose process died. */
  recover(): void;
  /** Something ended: `wake` may find more to do. */
  onChange(): void;
  readonly log: Pick<HubLog, 'debug' | 'info' | 'warn' | 'error'>;
}
