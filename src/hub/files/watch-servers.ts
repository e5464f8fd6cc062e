import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';

/** The processes that serve the disks of a restore point. */
export interface WatchedServers extends Disposable {
  /** Resolves with the reason when one of them has ended. */
  readonly gone: Promise<string>;
  readonly isWhole: () => boolean;
  /** Without its disk a file system looks damaged: what `act` fails by is told as what it is. @throws SendenseError `files.reader` */
  told<T>(act: () => Promise<T>): Promise<T>;
}

const betweenMs = 500;
const why = 'what serves a disk to the reader has ended';

export function watchServers(servers: readonly ProcessIdentity[]): WatchedServers {
  const isWhole = (): boolean => servers.every((one) => isRunning(one));
  const gone = Promise.withResolvers<string>();
  const timer = setInterval(() => {
    if (!isWhole()) gone.resolve(why);
  }, betweenMs).unref();
  return {
    gone: gone.promise,
    isWhole,
    async told(act) {
      try {
        return await act();
      } catch (error) {
        if (isWhole()) throw error;
        throw new SendenseError('files.reader', why, { cause: error });
      }
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
