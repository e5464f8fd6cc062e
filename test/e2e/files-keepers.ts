import { setTimeout as delay } from 'node:timers/promises';
import { processesWith } from '../support/processes-with.ts';
import type { Workspace } from './workspace.ts';

/** Processes that keep restore points of a workspace open. */
export const filesKeepers = (work: Pick<Workspace, 'path'>): number[] =>
  processesWith('keep', work.path('sendense.yaml'));

/** Ends them, and waits until they are gone. */
export async function endFilesKeeper(work: Pick<Workspace, 'path'>): Promise<void> {
  for (const pid of filesKeepers(work)) process.kill(pid, 'SIGTERM');
  while (filesKeepers(work).length > 0) await delay(20);
}
