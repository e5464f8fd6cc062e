import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { settingsName } from '../../plan/load-settings.ts';

export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  /** What tells that the file is still the same: modification time, size and inode. */
  readonly stamp: string;
}

/** Files after which others have their turn. */
const slice = 200;

export interface FoundPlans {
  readonly files: FoundFile[];
  /** The folder and those below it. */
  readonly folders: string[];
}

/**
 * The YAML files of a folder and those below it, by path; hidden folders and node_modules are left out, links to folders not
 * followed.
 * @throws NodeJS.ErrnoException where a folder cannot be read: what is in it is not known then
 */
export async function findPlanFiles(folder: string): Promise<FoundPlans> {
  const found: FoundPlans = { files: [], folders: [] };
  await walk(folder, found);
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

async function walk(folder: string, found: FoundPlans): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  found.folders.push(folder);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith('.') && entry.name !== 'node_modules') await walk(path, found);
    } else if (/\.ya?ml$/.test(entry.name) && entry.name !== settingsName) {
      // A link whose file is not there has not been removed: what it names may be on a disk that is not mounted. Emacs makes
      // hidden ones to nowhere.
      const stamp = stampOf(path) ?? (entry.isSymbolicLink() && !entry.name.startsWith('.') ? 'unknown' : null);
      if (stamp !== null) found.files.push({ path, stamp });
      if (found.files.length % slice === 0) await turn();
    }
  }
}

/**
 * Null: there is no such file, or it is none. Ten thousand of these take a tenth of a second, and eight times as long
 * with promises.
 */
export function stampOf(path: string): string | null {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isFile() ? `${file.mtimeMs}:${file.size}:${file.ino}` : null;
  } catch {
    return null;
  }
}
