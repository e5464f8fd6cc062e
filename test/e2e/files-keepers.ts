import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Workspace } from './workspace.ts';

/** Processes that keep restore points of a workspace open. */
export const filesKeepers = (work: Pick<Workspace, 'path'>): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes('keep') && words.includes(work.path('sendense.yaml'));
      } catch {
        return false;
      }
    })
    .map(Number);

/** Ends them, and waits until they are gone. */
export async function endFilesKeeper(work: Pick<Workspace, 'path'>): Promise<void> {
  for (const pid of filesKeepers(work)) process.kill(pid, 'SIGTERM');
  while (filesKeepers(work).length > 0) await delay(20);
}
