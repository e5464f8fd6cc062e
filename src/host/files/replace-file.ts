import { randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withPath } from './with-path.ts';

export interface ReplaceOptions {
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The mode counts whatever the umask is. */
  readonly exactMode?: boolean;
}

/** Replaces a whole file, durably, within one turn of the event loop: after a crash the old or the new content is there. */
export function replaceFile(path: string, text: string, { mode, owner, exactMode = false }: ReplaceOptions): void {
  const temporary = join(dirname(path), `.${randomUUID()}.sendense-part`);
  try {
    const descriptor = openSync(temporary, 'wx', mode);
    try {
      writeFileSync(descriptor, text);
      // Not by its name: whoever owns the folder could have put a link there by now.
      if (owner) fchownSync(descriptor, owner.uid, owner.gid);
      // After the owner, for that takes away some of its bits.
      if (exactMode) fchmodSync(descriptor, mode);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw withPath(error, path);
  }
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
