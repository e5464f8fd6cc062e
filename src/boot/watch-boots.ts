import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { holdFolder, isHeld } from '../host/files/held-folder.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { listBoots, type BootRow } from '../state/boots/boots.ts';
import { placeOf } from './claim.ts';
import { bootsFolder } from './start-boot.ts';
import { tendBoot } from './tend-boot.ts';

const betweenMs = 500;
/** It ends when it has found nothing to look after so often. A time would pass while it is stopped, too. */
const idleLooks = 5;

const watchFolder = (access: Pick<RepositoryAccess, 'state'>): string => join(bootsFolder(access), 'watch');

/** Whether a process looks after the VMs of this database. */
export const isWatched = (access: Pick<RepositoryAccess, 'state'>): Promise<boolean> => isHeld(watchFolder(access));

interface Watching {
  readonly signal: AbortSignal;
  /** Told of what goes wrong with a VM, once as long as it stays the same. */
  readonly log: (id: string, message: string) => void;
}

/**
 * Looks after all VMs that run from restore points, until there are none or the signal comes. Two that do are one too many and harm nobody.
 */
export async function watchBoots(access: RepositoryAccess, watching: Watching): Promise<void> {
  const folder = watchFolder(access);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await isHeld(folder)) return;
  do {
    await using _held = await holdFolder(folder);
    await untilIdle(access, watching);
    // Who started a VM a moment ago may have seen that the folder is held, and relies on us.
  } while (!watching.signal.aborted && hasWork(access));
}

/** Whether a VM of this place is to run. */
export const hasWork = ({ state }: Pick<RepositoryAccess, 'state'>): boolean =>
  listBoots(state).some((row) => row.wanted === 'on' && placeOf(row) === 'here');

async function untilIdle(access: RepositoryAccess, { signal, log }: Watching): Promise<void> {
  const told = new Map<string, string>();
  // One whose disks do not answer holds up no other.
  const busy = new Set<string>();
  let idle = 0;
  const tend = async (row: BootRow): Promise<void> => {
    busy.add(row.id);
    try {
      if (await tendBoot(access, row)) idle = 0;
      told.delete(row.id);
    } catch (error) {
      idle = 0;
      const { message } = error as Error;
      if (told.get(row.id) !== message) log(row.id, message);
      told.set(row.id, message);
    } finally {
      busy.delete(row.id);
    }
  };
  while (!signal.aborted && (idle < idleLooks || busy.size > 0)) {
    idle++;
    for (const row of listBoots(access.state)) if (!busy.has(row.id)) void tend(row);
    await delay(betweenMs, undefined, { signal }).catch(() => undefined);
  }
}
