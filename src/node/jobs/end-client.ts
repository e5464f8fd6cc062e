import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { exists } from '../../host/files/files.ts';
import { isRunning, terminate } from '../../host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { readClient, readRecord, readStatus, type JobFolder } from './job-folder.ts';
import { isFinal } from './job-state.ts';
import { abandonedBecause, leaseIn } from './lease.ts';

/** How long a client has to end before it is killed, where it has nothing to close. */
const stopMs = 20_000;

/** Asks the client to end; does not wait. Nothing happens where it has ended. */
export async function cancel(folder: JobFolder): Promise<void> {
  const client = await readClient(folder);
  if (!client || !isRunning(client)) return;
  // A client that is only just starting dies of the signal without a word.
  await noteDown(folder.cancelled, '');
  askToEnd(client);
}

/**
 * Dead man's timer: what the job holds on to, a snapshot above all, must not outlive a hub that is gone. Called again and
 * again until the job has ended, because a client that only just starts cannot be told yet.
 */
export async function abandonWhereNobodyAsks(folder: JobFolder): Promise<void> {
  const seconds = (await readRecord(folder))?.lease_seconds ?? null;
  if (seconds === null) return;
  if (!(await exists(folder.abandoned))) {
    if (!(await leaseIn(folder.path).hasRunOut(seconds))) return;
    await noteDown(folder.abandoned, abandonedBecause(seconds));
  }
  await cancel(folder);
}

/** SIGTERM alone: the client needs its time to stop what it started and to say so. It may have ended meanwhile. */
function askToEnd(client: ProcessIdentity): void {
  if (isRunning(client)) process.kill(client.pid, 'SIGTERM');
}

/** What is to be done is done also where there is no room to say so. */
const noteDown = (file: string, text: string): Promise<void> => writeFile(file, text, { mode: 0o600 }).catch(() => {});

/** Whether it has ended. False: it closes its source, and its files are removed when that is done. */
export async function stopClient(folder: JobFolder, client: ProcessIdentity): Promise<boolean> {
  if (!isRunning(client)) return true;
  await noteDown(folder.removed, '');
  askToEnd(client);
  for (const end = performance.now() + stopMs; performance.now() < end; await delay(20))
    if (!isRunning(client)) return true;
  const status = await readStatus(folder);
  if (isRunning(client) && status && !isFinal(status) && (status.activity || status.snapshot)) return false;
  await terminate(client, { graceMs: 1000 });
  return true;
}
