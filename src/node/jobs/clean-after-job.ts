import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Source } from '../../schemas/types.ts';
import { cleanUpAfter } from '../sources/index.ts';
import type { CleanUpOptions } from '../sources/source.ts';

export type AskedCleanUp = Pick<CleanUpOptions, 'vmName' | 'login' | 'signal'>;

const answerMs = 40_000;
const retryMs = 15_000;

/**
 * Removes what jobs left at their sources that have ended. It goes on when whoever asked has got the answer that it takes
 * longer; who asks again waits for the same work.
 * @throws SendenseError `snapshot.left`, `vsphere.*`, `source.missing`
 */
export function cleanAfterJobs(): (jobId: string, source: Source, options: AskedCleanUp) => Promise<void> {
  const going = new Map<string, Promise<void>>();
  return async (jobId, source, options) => {
    let work = going.get(jobId);
    if (!work) {
      work = cleanUpAfter(source, { ...options, jobId, retryMs }).finally(() => going.delete(jobId));
      going.set(jobId, work);
    }
    const over = new AbortController();
    const late = delay(answerMs, undefined, { signal: over.signal }).then(() => {
      throw new SendenseError('snapshot.left', `what job ${jobId} left is still being removed`);
    });
    try {
      await Promise.race([work, late]);
    } finally {
      over.abort();
      for (const one of [work, late]) one.catch(() => undefined);
    }
  };
}
