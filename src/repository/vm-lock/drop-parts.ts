import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskName } from '../layout.ts';
import { intentNames } from '../merge/intent.ts';

/**
 * After a holder was overtaken that may wake up: it may have files open that it was receiving, and would go on writing to them. They lose
 * their names, so that nobody takes them for the beginning of what is sent again. What a merge makes is named by its intent, and is made
 * anew where it is not complete.
 */
export async function dropParts(root: string, context: string): Promise<void> {
  const merged = new Set(await intentNames(root, context));
  const folder = join(root, context);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries) {
    if (!entry.isDirectory() || !entry.name.startsWith(diskName(0).slice(0, -1))) continue;
    for (const part of await readdir(join(folder, entry.name), { withFileTypes: true })) {
      const id = /^(.+)\.(?:qcow2|index)\.sendense-part$/.exec(part.name)?.[1];
      // A folder is nothing that anybody writes to.
      if (id !== undefined && !merged.has(id) && !part.isDirectory())
        await rm(join(folder, entry.name, part.name), { force: true });
    }
  }
}
