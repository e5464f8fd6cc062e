import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/**
 * Large files that lose their last name. Giving their blocks back takes a file system as long as writing them, where it tells the
 * disk of each (mount option `discard`), and others wait for the disk meanwhile: so they are held open until all is durable, and freed
 * beside what comes then.
 * A file that somebody else has open is freed when that ends; after a kill or a power cut the file system frees it itself.
 */
export interface FreedLater extends AsyncDisposable {
  /** Call before the name goes; a file that is not there is fine. */
  hold(path: string): Promise<void>;
  /** The new names are durable: what is held may go. */
  release(): void;
  /** All that was released is gone. */
  settled(): Promise<void>;
}

export function createFreedLater(): FreedLater {
  const held: FileHandle[] = [];
  const closing = new Set<Promise<void>>();
  const release = (): void => {
    for (const handle of held.splice(0)) {
      const close: Promise<void> = handle.close().finally(() => closing.delete(close));
      close.catch(() => undefined);
      closing.add(close);
    }
  };
  const settled = async (): Promise<void> => {
    await Promise.all(closing);
  };
  return {
    async hold(path) {
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return null;
          throw error;
        },
      );
      if (handle) held.push(handle);
    },
    release,
    settled,
    async [Symbol.asyncDispose]() {
      release();
      await settled();
    },
  };
}
