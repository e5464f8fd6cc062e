import { setTimeout as delay } from 'node:timers/promises';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { LeftBehind } from '../../schemas/types.ts';

/** Between two looks at what the job does, ms. A job that ends sooner is not spoken of. */
const lookMs = 250;

export interface RemovedJob {
  /** False: the job still removes its snapshot, and the node removes the rest when that is done. */
  readonly gone: boolean;
  /** What it was seen to do last; null: nothing that takes its time. */
  readonly activity: string | null;
  /** What it left at its source; null: not known. */
  readonly left: readonly LeftBehind[] | null;
}

/** Ends a job of a node and removes what it left there, and says meanwhile what it waits for. */
export async function removeJob(
  client: NodeClient,
  jobId: string,
  { log, signal }: { log(message: string): void; readonly signal: AbortSignal },
): Promise<RemovedJob> {
  const over = new AbortController();
  let activity: string | null = null;
  const telling = (async () => {
    for (const until = AbortSignal.any([signal, over.signal]); ;) {
      await delay(lookMs, undefined, { signal: until });
      const status = await client.status(jobId, until).catch(() => null);
      if (!status?.activity || status.activity === activity || until.aborted) continue;
      activity = status.activity;
      log(`waiting for job ${jobId} to end: ${activity}`);
    }
  })().catch(() => undefined);
  try {
    return { ...(await client.end(jobId, signal)), activity };
  } finally {
    over.abort();
    await telling;
  }
}
