import type { FileReadsTable } from '../../state/database/tables.ts';
import { errorToJson, SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { shownName } from '../../files/shown.ts';
import type { RestoreTransfers } from '../../schemas/types.ts';

export type Transfer = RestoreTransfers['transfers'][number];

export interface BegunTransfer {
  /** The name that the caller gave it; undefined: none. */
  readonly transfer: string | undefined;
  readonly action: Extract<FileReadsTable['action'], 'download' | 'archive'>;
  readonly volume: string;
  /** Bytes of the path. */
  readonly path: Buffer;
}

/** The downloads and archives of a session: an answer that has begun cannot say any more why it breaks off. */
export interface Transfers {
  begin(begun: BegunTransfer): {
    count(bytes: number): void;
    /** @param leftOut a line for each file that is not in it */
    end(leftOut: readonly string[]): void;
    fail(error: unknown): void;
  };
  /** The newest last. */
  all(): readonly Transfer[];
}

/** So many are remembered. */
const mostTransfers = 100;

export function createTransfers(): Transfers {
  const all: Transfer[] = [];
  return {
    all: () => all,
    begin({ transfer, action, volume, path }) {
      const begun = Date.now();
      const told: Transfer = {
        transfer: transfer ?? null,
        action,
        volume,
        path: `/${shownName(path)}`,
        begun,
        ended: null,
        bytes: 0,
        error: null,
        left_out: [],
      };
      all.push(told);
      if (all.length > mostTransfers) all.shift();
      return {
        count: (bytes) => void (told.bytes += bytes),
        end: (leftOut) => {
          told.ended = Date.now();
          told.left_out = [...leftOut];
        },
        fail: (error) => {
          told.ended = Date.now();
          told.error = errorToJson(isGone(error) ? cutOff() : toSendenseError(error));
        },
      };
    },
  };
}

/** The caller went away. */
export const isGone = (error: unknown): boolean =>
  (error as Error).name === 'AbortError' || (error instanceof SendenseError && error.code === 'job.cancelled');

const cutOff = (): SendenseError => new SendenseError('files.cut-off', 'who took it went away before its end');
