import { setTimeout as delay } from 'node:timers/promises';
import { toSendenseError } from '../errors/sendense-error.ts';
import { connectNbd, type NbdClient } from './nbd-client.ts';
import type { NbdOptions } from './nbd-connection.ts';

/** Before the second and the third try, ms: a session that ended is renewed in that time. */
const pauses = [1500, 4000];

/**
 * As `connectNbd`, for a source that was reached before: where its server cannot open the disk just now (the other side is
 * busy, or its session has ended), it is asked again. Not for the first connection: a wrong password would be tried thrice.
 */
export async function connectNbdAgain(uri: string, options: NbdOptions = {}): Promise<NbdClient> {
  for (const pause of pauses) {
    try {
      return await connectNbd(uri, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!/refused the export/.test(toSendenseError(error).message)) throw error;
    }
    await delay(pause, undefined, options.signal ? { signal: options.signal } : {});
  }
  return connectNbd(uri, options);
}
