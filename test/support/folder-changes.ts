import { watch } from 'node:fs';

/** Changes of what lies directly in these folders. */
export interface FolderChanges extends Disposable {
  /** Waits for the next one, or for a moment at most: who looks after each sees states that last for milliseconds, and needs no processor time. */
  next(): Promise<void>;
}

const momentMs = 100;

export function folderChanges(folders: readonly string[]): FolderChanges {
  let changed = Promise.withResolvers<void>();
  const watchers = folders.map((folder) => watch(folder, () => changed.resolve()));
  return {
    async next() {
      const timer = setTimeout(() => changed.resolve(), momentMs);
      await changed.promise;
      clearTimeout(timer);
      changed = Promise.withResolvers();
    },
    [Symbol.dispose]() {
      for (const watcher of watchers) watcher.close();
    },
  };
}
