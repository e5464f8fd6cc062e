import { watch, type FSWatcher } from 'node:fs';

export interface FolderWatch extends Disposable {
  /** These folders from now on, each without those below it. */
  watch(folders: readonly string[]): void;
}

/** More are only looked at from time to time: the kernel has a limit for each user. */
const most = 1000;

/** Says that something in a folder changed, once things are quiet for `quietMs`. What cannot be watched is not; look from time to time too. */
export function watchFolders(onChange: () => void, quietMs = 300): FolderWatch {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, quietMs);
  };
  const drop = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  return {
    watch(folders) {
      const wanted = new Set(folders.slice(0, most));
      for (const folder of watchers.keys()) if (!wanted.has(folder)) drop(folder);
      for (const folder of wanted) {
        if (watchers.has(folder)) continue;
        try {
          const watcher = watch(folder, { persistent: false }, changed);
          watcher.on('error', () => drop(folder));
          watchers.set(folder, watcher);
        } catch {
          // Gone, or too many: the next look says so.
        }
      }
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const folder of watchers.keys()) drop(folder);
    },
  };
}
