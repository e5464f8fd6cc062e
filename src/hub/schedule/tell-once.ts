import type { ErrorCode } from '../../errors/catalogue.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import type { HubLog } from '../hub-log.ts';

/** What keeps the daemon from reading what it goes by. */
export interface Trouble {
  readonly file: string;
  readonly code: ErrorCode;
  /** What it means. */
  readonly meaning: string;
}

export interface TellOnce {
  /** Logs it and raises a notice, once for each error. Never throws. */
  tell(error: string): void;
  /** It is over: from now on the same error is told again. */
  over(): void;
}

export function tellOnce(state: State, log: Pick<HubLog, 'error'>, { file, code, meaning }: Trouble): TellOnce {
  let told: string | null = null;
  return {
    tell(error) {
      if (error === told) return;
      log.error({ file, error }, meaning);
      try {
        raiseNotice(state, { event: 'invalid-plan', message: `${meaning}: ${error}`, details: { file, code } });
        told = error;
      } catch {
        // It was the database perhaps: the next look tells it again.
      }
    },
    over: () => void (told = null),
  };
}
