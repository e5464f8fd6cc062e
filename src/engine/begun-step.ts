import type { SendenseError } from '../errors/sendense-error.ts';
import type { RunEvent } from '../schemas/types.ts';
import type { AnyStep } from './step.ts';

type WithoutStamp<E> = E extends RunEvent ? Omit<E, 'time' | 'run_id'> : never;
/** An event as the parts of the engine say it. */
export type Said = WithoutStamp<RunEvent>;

/** A step that has started, as far as undoing it goes. */
export interface BegunStep<S> {
  readonly stepId: string;
  readonly uses: string;
  /** Undefined: this program does not know the step (it recovers a run of a newer one). */
  readonly definition: AnyStep<S> | undefined;
  readonly claim: unknown;
  readonly remembered: Record<string, unknown>;
  /** What this process holds open for it; none when recovering. */
  scope: AsyncDisposableStack | undefined;
  undone: boolean;
  /** Why the step is thought to go on running although it was told to stop. */
  stuck: SendenseError | undefined;
}
