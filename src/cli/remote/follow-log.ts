import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { HubRunLog, RunEvent } from '../../schemas/types.ts';
import type { HubConnection } from './hub-connection.ts';

export interface FollowOptions {
  /** Goes on until the run has ended. */
  readonly follow: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Between two questions whether there is more, ms. */
const everyMs = 500;
/** For how long a hub that does not answer is asked again, ms: it may be started again meanwhile. */
const patienceMs = 60_000;

/**
 * The events in the log of a run at a hub.
 * @throws SendenseError `run.unknown`, `run.no-log`; `remote.unreachable` for a hub that does not come back
 */
export async function* followLog(
  hub: HubConnection,
  runId: string,
  { follow, signal }: FollowOptions,
): AsyncGenerator<RunEvent> {
  let after: string | undefined;
  let lost: number | undefined;
  for (;;) {
    if (signal?.aborted) return;
    const part = await hub
      .ask<HubRunLog>(logOf(runId), { query: { after, limit: 1000 } })
      .catch((error: unknown) => orWait(error, follow, (lost ??= performance.now())));
    if (part) {
      lost = undefined;
      yield* part.events;
      after = part.next;
      if (part.more) continue;
      if (part.ended || !follow) return;
    }
    await delay(everyMs, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

const logOf = (runId: string): string => `/api/v1/runs/${encodeURIComponent(runId)}/log`;

/** A run that has just begun has no log yet, and a hub may be started again. */
function orWait(error: unknown, follow: boolean, since: number): undefined {
  const code = error instanceof SendenseError ? error.code : undefined;
  const passes = code === 'remote.unreachable' || code === 'run.no-log';
  if (!follow || !passes || performance.now() - since > patienceMs) throw error;
  return undefined;
}
