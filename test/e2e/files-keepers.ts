import { setTimeout as delay } from 'node:timers/promises';
import { processesWith } from '../support/processes-with.ts';
import { leftovers } from './nothing-left.ts';
import type { Workspace } from './workspace.ts';

/** Processes that keep restore points of a workspace open. */
export const filesKeepers = (work: Pick<Workspace, 'path'>): number[] =>
  processesWith('keep', work.path('sendense.yaml'));

/** Ends them, and waits until they are gone. */
export async function endFilesKeeper(work: Pick<Workspace, 'path'>): Promise<void> {
  for (const pid of filesKeepers(work)) process.kill(pid, 'SIGTERM');
  while (filesKeepers(work).length > 0) await delay(20);
}

/** As {@link endFilesKeeper}. @throws Error with what is left of the workspace's work */
export async function endFiles(work: Pick<Workspace, 'path' | 'folder'>): Promise<void> {
  await endFilesKeeper(work);
  const left = leftovers(work.folder);
  if (left.length > 0) throw new Error(left.join('\n'));
}
