import type { FileHandle } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { openRegular } from '../../host/files/regular-file.ts';

/** Files of a restore point, each opened when it is first read. */
export interface StoredFiles extends AsyncDisposable {
  /** Fills `target`. @throws SendenseError `file.unreadable` where the file cannot be opened, or ends before */
  read(from: { readonly file: string; readonly offset: number }, target: Buffer): Promise<void>;
}

export function openStored(): StoredFiles {
  const opened = new Map<string, Promise<FileHandle>>();
  const handleOf = (file: string): Promise<FileHandle> => {
    const handle = opened.get(file) ?? openRegular(file);
    opened.set(file, handle);
    return handle;
  };
  return {
    async read({ file, offset }, target) {
      const handle = await handleOf(file).catch((cause: NodeJS.ErrnoException) => {
        throw unreadable(file, `cannot be opened: ${cause.code ?? cause.message}`, cause);
      });
      for (let done = 0; done < target.length;) {
        const { bytesRead } = await handle
          .read(target, done, target.length - done, offset + done)
          .catch((cause: NodeJS.ErrnoException) => {
            throw unreadable(file, `cannot be read at ${offset + done}: ${cause.code ?? cause.message}`, cause);
          });
        if (bytesRead === 0) throw unreadable(file, `ends at ${offset + done}, before its end`);
        done += bytesRead;
      }
    },
    async [Symbol.asyncDispose]() {
      const handles = await Promise.allSettled(opened.values());
      for (const one of handles) if (one.status === 'fulfilled') await one.value.close();
    },
  };
}

const unreadable = (file: string, what: string, cause?: unknown): SendenseError =>
  new SendenseError('file.unreadable', `${file} ${what}`, { cause });
