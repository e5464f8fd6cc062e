/** A file whose content comes in one answer. */
export interface SmallFile {
  /** Unique in the mounted tree. */
  readonly key: string;
  /** All of its content. */
  read(): Promise<Buffer>;
}

/** So many files are read before they are asked for, and so many are kept until they are. */
const ahead = 8;
const mostKept = 64;

/**
 * Reads small files of a folder before they are asked for. `tar`, `cp` and `grep` read one after the other: without this they wait for an
 * answer to each of them.
 */
export interface ReadAhead {
  /** Small files of a folder in the order in which they are listed. */
  listed(files: readonly SmallFile[]): void;
  /** Somebody opens a file. @returns its content where it was read ahead; else null */
  opened(key: string): Promise<Buffer> | null;
  /** Forgets what was listed. */
  clear(): void;
}

export function readAhead(): ReadAhead {
  const following = new Map<string, SmallFile>();
  const kept = new Map<string, Promise<Buffer>>();
  let last: string | null = null;
  const begin = ({ key, read }: SmallFile): void => {
    if (kept.has(key)) return;
    const content = read();
    // `opened` hands the error on.
    content.catch(() => undefined);
    kept.set(key, content);
    for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest);
  };
  return {
    listed(files) {
      for (const [at, file] of files.entries()) {
        const next = files[at + 1];
        if (next) following.set(file.key, next);
      }
    },
    opened(key) {
      const content = kept.get(key) ?? null;
      kept.delete(key);
      // One file alone says nothing of the next.
      const isInTurn = content !== null || (last !== null && following.get(last)?.key === key);
      last = key;
      let next = isInTurn ? following.get(key) : undefined;
      for (let count = 0; next && count < ahead; count++) {
        begin(next);
        next = following.get(next.key);
      }
      return content;
    },
    clear: () => following.clear(),
  };
}
