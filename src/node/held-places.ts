import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { memoryFolder } from '../host/images/secret-descriptor.ts';
import { makePlaceFor, privatePlaces } from '../host/programs/private-places.ts';

/** Where names are held (`held-name.ts`): folders that only this user can write to, so that nobody else can hold one. */
export interface HeldPlace {
  /** All folders in which a process of this user may hold a name. */
  readonly folders: () => string[];
  /** The one to hold a name in; made where it is missing. */
  readonly make: () => Promise<string>;
  /** Nothing of ours is in that folder any more. */
  readonly leave: (folder: string) => Promise<void>;
}

const folderName = 'held';

/** For what may be once for a state folder, whoever sees it. */
export function inStateFolder(stateDir: string): HeldPlace {
  const folder = join(stateDir, folderName);
  return {
    folders: () => [folder],
    make: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    },
    leave: () => Promise.resolve(),
  };
}

/**
 * For what may be once for all programs of this user, whatever their temporary folders are. systemd may empty the default root when the
 * user logs out (RemoveIPC): nothing whose loss costs more than a limit for a while.
 */
export function forThisUser(root = memoryFolder()): HeldPlace {
  return {
    folders: () => privatePlaces(root).map((place) => join(place, folderName)),
    make: async () => {
      const folder = join(makePlaceFor(root, folderName), folderName);
      await mkdir(folder, { mode: 0o700 }).catch(unless('EEXIST', 'ENOENT'));
      return folder;
    },
    leave: async (folder) => {
      for (const path of [folder, dirname(folder)])
        await rmdir(path).catch(unless('ENOENT', 'ENOTEMPTY', 'EEXIST', 'EACCES', 'EPERM'));
    },
  };
}

const unless =
  (...codes: string[]) =>
  (error: NodeJS.ErrnoException): void => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
