import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { holdFolder, isHeld } from '../host/files/held-folder.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { listBoots } from '../state/boots/boots.ts';
import { bootsFolder } from './start-boot.ts';
import { tendBoot } from './tend-boot.ts';

const betweenMs = 500;
/** It ends when it has found nothing to look after so often. A time would pass while it is stopped, too. */
const idleLooks = 5;

const watchFolder = (access: Pick<RepositoryAccess, 'state'>): string => join(bootsFolder(access), 'watch');

/** Whether a process looks after the VMs of this database. */
export const isWatched = (access: Pick<RepositoryAccess, 'state'>): Promise<boolean> => isHeld(watchFolder(access));

/**
 * Looks after all VMs that run from restore points, until there are none or the signal comes. Two that do are one too many and harm nobody.
 * @param log told of what goes wrong with a VM, once as long as it stays the same
 */
export async function watchBoots(
  access: RepositoryAccess,
  { signal, log }: { readonly signal: AbortSignal; readonly log: (id: string, message: string) => void },
): Promise<void> {
  const folder = watchFolder(access);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await isHeld(folder)) return;
  await using _held = await holdFolder(folder);
  const told = new Map<string, string>();
  const tend = async (id: string, act: () => Promise<boolean>): Promise<boolean> => {
    try {
      const goesOn = await act();
      told.delete(id);
      return goesOn;
    } catch (error) {
      const { message } = error as Error;
      if (told.get(id) !== message) log(id, message);
      told.set(id, message);
      return true;
    }
  };
  for (let idle = 0; !signal.aborted && idle < idleLooks;) {
    const rows = listBoots(access.state);
    const tended = await Promise.all(rows.map((row) => tend(row.id, () => tendBoot(access, row))));
    idle = tended.includes(true) ? 0 : idle + 1;
    await delay(betweenMs, undefined, { signal }).catch(() => undefined);
  }
}
