import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';

/** The processes that serve the disks of a restore point. */
export interface WatchedServers extends Disposable {
  /** Resolves with the reason when one of them has ended. */
  readonly gone: Promise<string>;
  /** Whether all of them run, and the files are as they were. */
  readonly isWhole: () => Promise<boolean>;
  /**
   * Without its disk a file system looks damaged: what `act` fails by is told as what it is. What is missing of a file looks like zeros:
   * then `act` has failed, too.
   * @throws SendenseError `files.reader`, `chain.damaged`
   */
  told<T>(act: () => Promise<T>): Promise<T>;
}

const betweenMs = 500;
const remedy =
  'Do not use what you got. Give the command again: it opens the restore point anew, and looks at its files first. `sendense-run check` shows the damage.';
const why = 'what serves a disk to the reader has ended';

/** @param changed says why the files that they serve are not as they were; null: they are */
export function watchServers(
  servers: readonly ProcessIdentity[],
  changed: () => Promise<string | null>,
): WatchedServers {
  const areRunning = (): boolean => servers.every((one) => isRunning(one));
  const gone = Promise.withResolvers<string>();
  const timer = setInterval(() => {
    if (!areRunning()) gone.resolve(why);
  }, betweenMs).unref();
  const assertSame = async (cause?: unknown): Promise<void> => {
    const reason = await changed();
    if (reason !== null) throw new SendenseError('chain.damaged', reason, { cause, remedy });
  };
  return {
    gone: gone.promise,
    isWhole: async () => areRunning() && (await changed()) === null,
    async told(act) {
      const result = await act().catch(async (error: unknown) => {
        if (!areRunning()) throw new SendenseError('files.reader', why, { cause: error });
        await assertSame(error);
        throw error;
      });
      await assertSame();
      return result;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
