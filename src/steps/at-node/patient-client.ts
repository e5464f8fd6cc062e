import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { BackupStarted, JobStatus } from '../../schemas/types.ts';
import { patienceSecondsOf } from './transfer-limits.ts';

export interface Patience {
  /** How long the node may be out of reach, ms, from the first time that shows. */
  readonly patienceMs: number;
  /** How long a status may take, ms; on a link that died without a word nothing comes for ever. Default 15 000. */
  readonly answerMs?: number;
  readonly signal: AbortSignal;
  log(message: string): void;
  /** Called as long as it is out of reach: this wait has a time limit of its own. */
  alive?(): void;
}

/** What waiting helps against. */
const passing: readonly string[] = ['node.unreachable', 'node.limited'];
const pauses = { first: 250, last: 5000 };

/** How a step waits for a node. @param reconnect how long a break of the link may last, s */
export const patienceOf = (context: Pick<Patience, 'signal' | 'log' | 'alive'>, reconnect: number): Patience => ({
  patienceMs: patienceSecondsOf(reconnect) * 1000,
  signal: context.signal,
  log: (message) => context.log(message),
  alive: () => context.alive?.(),
});

/** Calls a node, and again as long as it is out of reach. `act` is told how often it failed before. */
export async function untilReachable<T>(act: (failures: number) => Promise<T>, how: Patience): Promise<T> {
  const { patienceMs, signal, log } = how;
  let since: number | null = null;
  for (let failures = 0; ; failures++) {
    try {
      const answer = await act(failures);
      if (since !== null) log(`the node answers again after ${Math.ceil((performance.now() - since) / 1000)} s`);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SendenseError && passing.includes(error.code))) throw error;
      how.alive?.();
      if (since === null) log(`${error.message}; trying again for ${patienceMs / 1000} s`);
      since ??= performance.now();
      if (performance.now() - since >= patienceMs) throw error;
      const pause = Math.min(pauses.last, pauses.first * 2 ** failures);
      await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** A node's API whose calls outlive a time out of reach; all of them may be made twice. */
export const patientClient = (client: NodeClient, how: Patience): NodeClient => ({
  ...client,
  indexFormats: (...what) => untilReachable(() => client.indexFormats(...what), how),
  putIndex: (...what) => untilReachable(() => client.putIndex(...what), how),
  status: (jobId) => untilReachable(() => statusInTime(client, jobId, how), how),
  startBackup: (request, signal) => started(client, request.job_id, how, () => client.startBackup(request, signal)),
  startRestore: (request, signal) => started(client, request.job_id, how, () => client.startRestore(request, signal)),
  compareRestore: (request, signal) =>
    started(client, request.job_id, how, () => client.compareRestore(request, signal)),
  startInPlace: (request, signal) => started(client, request.job_id, how, () => client.startInPlace(request, signal)),
  checkInPlace: (...what) => untilReachable(() => client.checkInPlace(...what), how),
  checkAttach: (...what) => untilReachable(() => client.checkAttach(...what), how),
  endAttach: (...what) => untilReachable(() => client.endAttach(...what), how),
  attachedDisks: (...what) => untilReachable(() => client.attachedDisks(...what), how),
  detachDisks: (...what) => untilReachable(() => client.detachDisks(...what), how),
  endInPlace: (...what) => untilReachable(() => client.endInPlace(...what), how),
  checkRestore: (...what) => untilReachable(() => client.checkRestore(...what), how),
  finishRestore: (...what) => untilReachable(() => client.finishRestore(...what), how),
  powerRestore: (...what) => untilReachable(() => client.powerRestore(...what), how),
  undoRestore: (...what) => untilReachable(() => client.undoRestore(...what), how),
  getIndex: (jobId, key, file, signal, fileKey, mostBytes) =>
    untilReachable(async () => {
      await rm(file, { force: true });
      await client.getIndex(jobId, key, file, signal, fileKey, mostBytes);
    }, how),
  getVmConfig: (jobId, file, signal, fileKey) =>
    untilReachable(async () => {
      await rm(file, { force: true });
      await client.getVmConfig(jobId, file, signal, fileKey);
    }, how),
  remove: (...what) => untilReachable(() => client.remove(...what), how),
  end: (...what) => untilReachable(() => client.end(...what), how),
});

/** Where the answer was lost, the job may run already. */
const started = (
  client: NodeClient,
  jobId: string,
  how: Patience,
  start: () => Promise<BackupStarted>,
): Promise<BackupStarted> =>
  untilReachable(async (failures) => (failures > 0 ? await knownStatus(client, jobId, how) : null) ?? start(), how);

async function statusInTime(client: NodeClient, jobId: string, how: Patience): Promise<JobStatus> {
  const { answerMs = 15_000, signal } = how;
  const limit = AbortSignal.timeout(answerMs);
  try {
    return await client.status(jobId, AbortSignal.any([signal, limit]));
  } catch (cause) {
    if (!limit.aborted || signal.aborted) throw cause;
    const message = `${client.label}: no status of job ${jobId} within ${answerMs / 1000} s`;
    throw new SendenseError('node.unreachable', message, { cause });
  }
}

async function knownStatus(client: NodeClient, jobId: string, how: Patience): Promise<BackupStarted | null> {
  try {
    const { status } = await statusInTime(client, jobId, how);
    return { job_id: jobId, status };
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'job.unknown') return null;
    throw error;
  }
}
