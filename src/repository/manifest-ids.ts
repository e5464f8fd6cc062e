import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Ids of the restore points whose manifests are in the folder of a VM, known or not. @throws NodeJS.ErrnoException */
export async function manifestIds(root: string, context: string): Promise<Set<string>> {
  const names = await readdir(join(root, context));
  return new Set(names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5)));
}
