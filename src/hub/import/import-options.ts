import type { State } from '../../state/database/open-state.ts';

export interface ImportOptions {
  readonly state: State;
  readonly repository: string;
  /** Absolute path. */
  readonly root: string;
  /** Forgets restore points whose manifest is gone. */
  readonly forgetMissing?: boolean;
  readonly signal?: AbortSignal | undefined;
}
